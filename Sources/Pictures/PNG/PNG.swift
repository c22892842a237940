import Files
import Settings

/// PNG pictures of every colour type and depth, interlaced or not.
///
/// Source: Portable Network Graphics Specification, third edition (W3C, 2025).
struct PNG: PictureFormat {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// How many pixels a packed byte can hold: deflate packs at most 1032 to 1, bits eight to a byte.
  private static let packing = 1032 * 8

  let name = "PNG"
  let suffixes = ["png", "apng"]

  func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: PNG.signature) }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    try PNG.read(bytes, at: place)
  }

  private static func read(_ bytes: [UInt8], at place: String) throws(Failure) -> Picture {
    var reader = ByteReader(bytes, at: place)
    try reader.skip(signature.count)
    let first = try chunk(&reader)
    guard first.type == "IHDR" else {
      throw reader.failure("the first chunk is '\(first.type)'", expected: "'IHDR'")
    }
    let header = try PNGHeader(first.data, at: place)
    var palette = PNGPalette()
    var orientation = 1
    var packed: ArraySlice<UInt8> = []
    while true {
      let (type, data) = try chunk(&reader)
      switch type {
      case "PLTE": try palette.setColours(data, at: place)
      case "tRNS": try palette.setTransparency(data, header, at: place)
      case "IDAT": if packed.isEmpty { packed = data } else { packed.append(contentsOf: data) }
      case "eXIf": orientation = EXIF.orientation(data)
      case "IEND":
        var picture = try picture(header, palette, packed, at: place)
        picture.orientation = orientation
        return picture
      default:
        // Chunks that a reader must know begin with a capital.
        guard type.utf8.first.map({ $0 & 0x20 != 0 }) == true else {
          throw reader.failure(
            "the chunk '\(type)' is unknown", remedy: "save the picture as PNG again")
        }
      }
    }
  }

  private static func chunk(
    _ reader: inout ByteReader
  ) throws(Failure) -> (type: String, data: ArraySlice<UInt8>) {
    let length: UInt32 = try reader.bigEndian(of: "a chunk")
    let start = reader.offset
    let type = try reader.bytes(4, of: "a chunk")
    let data = try reader.bytes(Int(length), of: "a chunk")
    let checksum: UInt32 = try reader.bigEndian(of: "the checksum of a chunk")
    guard checksum == CRC32.of(reader.bytes[start..<data.endIndex]) else {
      throw reader.failure(
        "the CRC-32 checksum of a chunk is wrong", remedy: "the picture is damaged")
    }
    return (String(decoding: type, as: UTF8.self), data)
  }

  private static func picture(
    _ header: PNGHeader, _ palette: PNGPalette, _ packed: ArraySlice<UInt8>, at place: String
  ) throws(Failure) -> Picture {
    if header.colourType == .palette, palette.colours.isEmpty {
      throw Failure(.badData, at: place, "the palette is missing", remedy: "the file is damaged")
    }
    try PictureSize.check(
      header.width, header.height, fileBytes: packed.count, packing: packing, at: place)
    let size = header.passes.reduce(0) { $0 + $1.height * (1 + header.rowBytes($1.width)) }
    guard size / 1032 <= packed.count else {
      throw Failure(
        .badData, at: place, "\(packed.count) packed bytes of \(size) bytes of pixels",
        expected: "at least \(size / 1032)", remedy: "the picture is cut short or damaged")
    }
    var bytes = try Inflate.zlib(packed, limit: size, at: place)
    guard bytes.count == size else {
      throw Failure(
        .badData, at: place, "\(bytes.count) bytes of pixels", expected: "\(size)",
        remedy: "the picture is cut short or damaged")
    }
    return try PNGPixels(header, palette).picture(&bytes, at: place)
  }
}

/// The size of a PNG picture and how its pixels are written.
struct PNGHeader {
  enum ColourType: UInt8 {
    case gray = 0
    case colour = 2
    case palette = 3
    case grayAlpha = 4
    case colourAlpha = 6
  }

  /// A picture that is made of some of the columns and rows.
  struct Pass {
    var (firstX, firstY, stepX, stepY) = (0, 0, 1, 1)
    var (width, height) = (0, 0)
  }

  let width: Int
  let height: Int
  let depth: Int
  let colourType: ColourType
  let isInterlaced: Bool

  init(_ data: ArraySlice<UInt8>, at place: String) throws(Failure) {
    var reader = ByteReader(Array(data), at: "\(place): IHDR")
    width = Int(try reader.bigEndian(UInt32.self))
    height = Int(try reader.bigEndian(UInt32.self))
    let (depth, type) = (try reader.littleEndian(UInt8.self), try reader.littleEndian(UInt8.self))
    let packing = try reader.littleEndian(UInt16.self)
    let interlace = try reader.littleEndian(UInt8.self)
    // The bytes are compared with the size as soon as all of them are known.
    try PictureSize.check(width, height, fileBytes: .max, packing: 1, at: reader.place)
    guard let colourType = ColourType(rawValue: type),
      PNGHeader.depths(colourType).contains(depth)
    else { throw reader.failure("colour type \(type) with \(depth) bits does not exist") }
    guard packing == 0, interlace <= 1, reader.remaining == 0 else {
      throw reader.failure(
        "the header asks for an unknown packing", remedy: "save the picture as PNG again")
    }
    (self.depth, self.colourType, isInterlaced) = (Int(depth), colourType, interlace == 1)
  }

  var samplesPerPixel: Int {
    switch colourType {
    case .gray, .palette: 1
    case .grayAlpha: 2
    case .colour: 3
    case .colourAlpha: 4
    }
  }

  /// The bytes of a row of `width` pixels, without the one that names the filter.
  func rowBytes(_ width: Int) -> Int { (width * samplesPerPixel * depth + 7) / 8 }

  /// The passes that are not empty: the whole picture, or up to seven of Adam7.
  var passes: [Pass] {
    let steps =
      isInterlaced
      ? [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2),
      ] : [(0, 0, 1, 1)]
    return steps.compactMap { x, y, stepX, stepY in
      guard x < width, y < height else { return nil }
      return Pass(
        firstX: x, firstY: y, stepX: stepX, stepY: stepY,
        width: (width - x + stepX - 1) / stepX, height: (height - y + stepY - 1) / stepY)
    }
  }

  private static func depths(_ type: ColourType) -> [UInt8] {
    switch type {
    case .gray: [1, 2, 4, 8, 16]
    case .palette: [1, 2, 4, 8]
    case .colour, .grayAlpha, .colourAlpha: [8, 16]
    }
  }
}
