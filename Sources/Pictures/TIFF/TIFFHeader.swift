import Settings

/// What the directory of a TIFF file says of its picture.
struct TIFFHeader {
  enum Packing: Int {
    case none = 1
    case lzw = 5
    case jpeg = 7
    case deflate = 8
    case packBits = 32773

    /// How many bytes a packed byte can stand for, at the very best.
    var ratio: Int {
      switch self {
      case .none: 1
      case .lzw: 2731
      case .jpeg: 4096
      case .deflate: 1032
      case .packBits: 64
      }
    }
  }

  /// What samples mean.
  enum Colour: Int {
    case whiteIsZero, blackIsZero, rgb, palette
    case cmyk = 5
    case yCbCr = 6
  }

  /// What the sample after the colour is.
  enum Extra: Equatable { case none, ignored, premultiplied, alpha }

  let width, height: Int
  let bits: Int
  /// Samples of a pixel as they are stored.
  let channels: Int
  let colour: Colour
  let extra: Extra
  let packing: Packing
  let isPlanar: Bool
  let isDifferenced: Bool
  let isBitReversed: Bool
  let orientation: Int
  /// The size of a strip or tile.
  let partWidth, partHeight: Int
  let isTiled: Bool
  let offsets: [Int]
  let byteCounts: [Int]
  /// Red, green and blue of each entry.
  let palette: [UInt8]

  init(_ directory: TIFFDirectory) throws(Failure) {
    width = try directory.number(256, default: 0)
    height = try directory.number(257, default: 0)
    try PictureSize.check(
      width, height, fileBytes: directory.bytes.count, packing: 1 << 15, at: directory.place)
    packing = try TIFFHeader.packing(directory)
    let photometric = try directory.number(262, default: 0)
    guard let colour = Colour(rawValue: photometric) else {
      throw directory.failure(
        "photometric interpretation \(photometric)", expected: "gray, RGB, palette, CMYK or YCbCr",
        remedy: "convert it to PNG")
    }
    self.colour = colour
    channels = try directory.number(277, default: 1)
    guard (1...8).contains(channels) else {
      throw directory.failure("\(channels) samples a pixel", expected: "1 to 8")
    }
    let sizes = try directory.numbers(258) ?? [1]
    bits = sizes[0]
    guard [1, 2, 4, 8, 16].contains(bits), sizes.prefix(channels).allSatisfy({ $0 == sizes[0] })
    else {
      throw directory.failure(
        "\(sizes.map(String.init).joined(separator: ", ")) bits a sample",
        expected: "1, 2, 4, 8 or 16", remedy: "convert it to PNG")
    }
    let kinds = try directory.numbers(339) ?? [1]
    guard kinds.allSatisfy({ $0 == 1 || $0 == 4 }) else {
      throw directory.failure(
        kinds.contains(3) ? "samples are floating-point numbers" : "samples have signs",
        expected: "whole numbers from 0", remedy: "convert it to PNG")
    }
    let (size, most) = (
      width * height * channels * bits / 8, directory.bytes.count * packing.ratio
    )
    guard size <= max(1 << 22, most) else {
      throw directory.failure("\(size) bytes of pixels in a file of \(directory.bytes.count)")
    }
    extra = try TIFFHeader.extra(directory, colour, channels: channels)
    guard bits >= 8 || channels == 1 else {
      throw directory.failure("\(channels) samples of \(bits) bits", expected: "8 or 16 bits")
    }
    guard colour != .yCbCr || (packing == .jpeg && bits == 8) else {
      throw directory.failure(
        "YCbCr without JPEG is not read", expected: "RGB", remedy: "convert it to PNG")
    }
    guard packing != .jpeg || bits == 8 else {
      throw directory.failure("JPEG of \(bits) bits", expected: "8", remedy: "convert it to PNG")
    }
    let planes = try directory.number(284, default: 1)
    guard planes == 1 || planes == 2 else {
      throw directory.failure("planar configuration \(planes)", expected: "1 or 2")
    }
    isPlanar = planes == 2 && channels > 1
    let predictor = try directory.number(317, default: 1)
    guard predictor == 1 || (predictor == 2 && bits >= 8) else {
      throw directory.failure("predictor \(predictor)", expected: "1 or 2")
    }
    isDifferenced = predictor == 2 && (packing == .lzw || packing == .deflate)
    isBitReversed = try directory.number(266, default: 1) == 2 && packing != .jpeg
    let turn = try directory.number(274, default: 1)
    orientation = (1...8).contains(turn) ? turn : 1

    isTiled = try directory.numbers(322) != nil
    if isTiled {
      partWidth = try directory.number(322, default: 0)
      partHeight = try directory.number(323, default: 0)
    } else {
      partWidth = width
      partHeight = min(try directory.number(278, default: height), height)
    }
    guard partWidth > 0, partHeight > 0,
      partWidth <= PictureSize.mostPixels, partHeight <= PictureSize.mostPixels / partWidth,
      // No tile is much larger than the picture.
      partWidth * partHeight <= max(1 << 20, 16 * width * height)
    else { throw directory.failure("parts of \(partWidth) x \(partHeight) pixels") }
    guard let offsets = try directory.numbers(isTiled ? 324 : 273) else {
      throw directory.failure("the pixels are nowhere")
    }
    self.offsets = offsets
    let counts = try directory.numbers(isTiled ? 325 : 279) ?? []
    // Old files without packing leave them out.
    byteCounts = offsets.indices.map { index in
      let rest = max(0, directory.bytes.count - offsets[index])
      return index < counts.count ? min(counts[index], rest) : rest
    }
    palette = colour == .palette ? try TIFFHeader.palette(directory, bits: bits) : []
  }

  private static func packing(_ directory: TIFFDirectory) throws(Failure) -> Packing {
    let number = try directory.number(259, default: 1)
    if number == 32946 { return .deflate }
    if let packing = Packing(rawValue: number) { return packing }
    let names = [
      2: "CCITT", 3: "fax", 4: "fax", 6: "old JPEG", 34712: "JPEG 2000", 34925: "LZMA",
      50000: "Zstandard", 50001: "WebP",
    ]
    throw directory.failure(
      "compression \(number)\(names[number].map { " (\($0))" } ?? "") is not read",
      expected: "none, LZW, deflate, PackBits or JPEG", remedy: "convert it, as by 'tiffcp -c zip'")
  }

  private static func extra(
    _ directory: TIFFDirectory, _ colour: Colour, channels: Int
  ) throws(Failure) -> Extra {
    let own =
      switch colour {
      case .whiteIsZero, .blackIsZero, .palette: 1
      case .rgb, .yCbCr: 3
      case .cmyk: 4
      }
    guard channels >= own else {
      throw directory.failure("\(channels) samples a pixel", expected: "\(own) or more")
    }
    guard channels > own else { return .none }
    switch try directory.numbers(338)?.first {
    case 1: return .premultiplied
    case 2, 999: return .alpha
    // Four samples of RGB without a word on the fourth are taken for opacity.
    case nil where colour == .rgb && channels == 4: return .alpha
    default: return .ignored
    }
  }

  private static func palette(_ directory: TIFFDirectory, bits: Int) throws(Failure) -> [UInt8] {
    let count = 1 << bits
    guard bits <= 8, let table = try directory.numbers(320), table.count >= 3 * count else {
      throw directory.failure("the palette is missing or too short")
    }
    return (0..<3 * count).map { UInt8(truncatingIfNeeded: table[$0 % 3 * count + $0 / 3] >> 8) }
  }
}
