import Files
import Settings

/// BMP: 1, 4, 8, 16, 24 and 32 bits, plain, run-length coded or with masks.
///
/// Source: the structures BITMAPFILEHEADER to BITMAPV5HEADER of the Windows documentation.
struct BMP: PictureFormat {
  let name = "BMP"
  let suffixes = ["bmp", "dib"]

  func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: Array("BM".utf8)) }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    let header = try BMPHeader(bytes, at: place)
    let pixels = try BMPPixels(bytes, header, at: place)
    return try header.bits <= 8 ? pixels.indexed() : pixels.coloured()
  }
}

/// The size of a BMP picture and how its pixels are written.
struct BMPHeader {
  enum Packing: UInt32 { case none, runs8, runs4, masks }

  let width, height: Int
  let isTopDown: Bool
  let bits: Int
  let packing: Packing
  /// The bits of red, green, blue and opacity in a pixel.
  let masks: [UInt32]
  /// Red, green and blue of each entry.
  let palette: [UInt8]
  /// Entries of the palette as the header counts them.
  let colourCount: Int
  /// Where the pixels begin.
  let offset: Int

  init(_ bytes: [UInt8], at place: String) throws(Failure) {
    var reader = ByteReader(bytes, at: place)
    try reader.skip(10, of: "the header")
    let given = Int(try reader.littleEndian(UInt32.self))
    let size = Int(try reader.littleEndian(UInt32.self))
    guard [12, 40, 52, 56, 64, 108, 124].contains(size) else {
      throw reader.failure("a header of \(size) bytes", expected: "one of the usual sizes")
    }
    let isOld = size == 12
    var compression: UInt32 = 0
    var colours = 0
    if isOld {
      width = Int(try reader.littleEndian(UInt16.self))
      height = Int(try reader.littleEndian(UInt16.self))
      isTopDown = false
      try reader.skip(2)
      bits = Int(try reader.littleEndian(UInt16.self))
    } else {
      width = Int(Int32(bitPattern: try reader.littleEndian(UInt32.self)))
      let rows = Int(Int32(bitPattern: try reader.littleEndian(UInt32.self)))
      (height, isTopDown) = (abs(rows), rows < 0)
      try reader.skip(2)
      bits = Int(try reader.littleEndian(UInt16.self))
      compression = try reader.littleEndian(UInt32.self)
      try reader.skip(12)
      colours = Int(try reader.littleEndian(UInt32.self))
      try reader.skip(4)
    }
    guard [1, 4, 8, 16, 24, 32].contains(bits) else {
      throw reader.failure("\(bits) bits a pixel", expected: "1, 4, 8, 16, 24 or 32")
    }
    guard let packing = Packing(rawValue: compression),
      packing != .runs8 || bits == 8, packing != .runs4 || bits == 4,
      packing != .masks || bits >= 16
    else {
      throw reader.failure(
        "compression \(compression) with \(bits) bits", expected: "none, run lengths or masks",
        remedy: "convert it to PNG")
    }
    self.packing = packing
    let packs = packing == .runs8 || packing == .runs4
    try PictureSize.check(
      width, height, fileBytes: bytes.count, packing: packs ? 1 << 14 : 8, at: place)
    masks = try BMPHeader.masks(&reader, packing, bits: bits, headerSize: size)
    try reader.skip(14 + size - min(reader.offset, 14 + size))

    colourCount = bits > 8 ? 0 : colours == 0 ? 1 << bits : colours
    let entrySize = isOld ? 3 : 4
    guard colourCount <= 65536 else { throw reader.failure("a palette of \(colourCount) colours") }
    var palette: [UInt8] = []
    let table = try reader.bytes(min(colourCount * entrySize, reader.remaining))
    for start in stride(from: table.startIndex, through: table.endIndex - 3, by: entrySize) {
      palette += [table[start + 2], table[start + 1], table[start]]
    }
    self.palette = bits > 8 ? [] : palette
    // Some files give the place of the palette for that of the pixels.
    let isAtPalette = given == 14 + size && bits <= 8
    offset = given == 0 || isAtPalette ? 14 + size + colourCount * entrySize : given
  }

  private static func masks(
    _ reader: inout ByteReader, _ packing: Packing, bits: Int, headerSize: Int
  ) throws(Failure) -> [UInt32] {
    guard packing == .masks else {
      return bits == 16 ? [0x7C00, 0x3E0, 0x1F, 0] : [0xFF0000, 0xFF00, 0xFF, 0]
    }
    // In the header, or behind the shortest one.
    var masks: [UInt32] = []
    for _ in 0..<3 { masks.append(try reader.littleEndian(UInt32.self, of: "the masks")) }
    masks.append(headerSize >= 56 ? try reader.littleEndian(UInt32.self, of: "the masks") : 0)
    if bits == 32, masks.allSatisfy({ $0 == 0 }) {
      return [0xFF0000, 0xFF00, 0xFF, 0xFF00_0000]
    }
    for mask in masks {
      let run = mask >> UInt32(mask.trailingZeroBitCount & 31)
      guard mask == 0 || run & (run &+ 1) == 0, bits == 32 || mask <= 0xFFFF || bits == 24 else {
        throw reader.failure("masks with gaps in them", remedy: "convert it to PNG")
      }
    }
    guard masks[..<3].allSatisfy({ $0 != 0 }) else { throw reader.failure("an empty mask") }
    return masks
  }
}
