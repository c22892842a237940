import Settings

/// Turns the rows of a BMP picture into samples.
struct BMPPixels {
  private let bytes: [UInt8]
  private let header: BMPHeader
  private let place: String
  /// Bytes of a row: whole words of 32 bits.
  private let rowBytes: Int

  init(_ bytes: [UInt8], _ header: BMPHeader, at place: String) throws(Failure) {
    (self.bytes, self.header, self.place) = (bytes, header, place)
    rowBytes = (header.width * header.bits + 31) / 32 * 4
    guard header.offset <= bytes.count else { throw failure("the pixels lie behind the file") }
    let packs = header.packing == .runs8 || header.packing == .runs4
    // What fills up the last row may be missing.
    let needed = rowBytes * (header.height - 1) + (header.width * header.bits + 7) / 8
    guard packs || bytes.count - header.offset >= needed else {
      throw failure(
        "\(bytes.count - header.offset) bytes of pixels", expected: "\(needed)")
    }
  }

  private func failure(_ found: String, expected: String = "") -> Failure {
    Failure(
      .badData, at: place, found, expected: expected, remedy: "the picture is cut short or damaged")
  }

  /// Where row `y` from the top begins.
  private func start(_ y: Int) -> Int {
    header.offset + (header.isTopDown ? y : header.height - 1 - y) * rowBytes
  }

  /// A picture with a palette, which may be no more than grays.
  func indexed() throws(Failure) -> Picture {
    var samples: [UInt8]
    if header.packing == .none {
      samples = []
      samples.reserveCapacity(header.width * header.height)
      let perByte = 8 / header.bits
      let mask = UInt8(truncatingIfNeeded: 1 << header.bits - 1)
      for y in 0..<header.height {
        let start = start(y)
        for x in 0..<header.width {
          let shift = UInt8(8 - header.bits * (x % perByte + 1))
          samples.append(bytes[start + x / perByte] >> shift & mask)
        }
      }
    } else {
      samples = try unpackedRuns()
    }
    let colours = header.colourCount
    let grays = colours == 2 ? [0, 255] : Array(0..<colours).map { $0 & 255 }
    let isGray =
      header.palette.count >= 3 * colours
      && (0..<colours).allSatisfy { entry in
        header.palette[3 * entry..<3 * entry + 3].allSatisfy { Int($0) == grays[entry] }
      }
    guard isGray else {
      return Picture(
        width: header.width, height: header.height, layout: .palette, samples: .bytes(samples),
        mode: .palette, palette: header.palette)
    }
    if colours <= 2 { samples = samples.map { min($0, 1) } }
    return Picture(
      width: header.width, height: header.height, layout: .gray, samples: .bytes(samples),
      maximum: colours <= 2 ? 1 : 255, mode: colours <= 2 ? .bits : .gray)
  }

  /// Runs of equal pixels, and of pixels one by one; rows from the bottom unless turned.
  private func unpackedRuns() throws(Failure) -> [UInt8] {
    let (width, count) = (header.width, header.width * header.height)
    let isHalf = header.packing == .runs4
    var data: [UInt8] = []
    data.reserveCapacity(count)
    var (offset, column) = (header.offset, 0)
    func append(_ run: Int, _ pixel: (Int) -> UInt8) {
      for index in 0..<min(run, count - data.count) { data.append(pixel(index)) }
    }
    func half(_ byte: UInt8, _ index: Int) -> UInt8 { index % 2 == 0 ? byte >> 4 : byte & 15 }
    while data.count < count, bytes.count - offset >= 2 {
      let (run, value) = (Int(bytes[offset]), bytes[offset + 1])
      offset += 2
      if run > 0 {
        // What goes over the end of a row is dropped.
        let fitting = max(0, min(run, width - column))
        append(fitting) { isHalf ? half(value, $0) : value }
        column += fitting
        continue
      }
      switch value {
      case 0:
        append((width - data.count % width) % width) { _ in 0 }
        column = 0
      case 1: offset = bytes.count
      case 2:
        guard bytes.count - offset >= 2 else { throw failure("a run without its end") }
        append(Int(bytes[offset]) + Int(bytes[offset + 1]) * width) { _ in 0 }
        offset += 2
        column = data.count % width
      default:
        let pixels = min(Int(value), count - data.count)
        let length = isHalf ? (pixels + 1) / 2 : pixels
        guard bytes.count - offset >= length else { throw failure("a run without its end") }
        let start = offset
        append(pixels) { isHalf ? half(bytes[start + $0 / 2], $0) : bytes[start + $0] }
        offset += length + (offset + length) % 2
        column += Int(value)
      }
    }
    guard data.count == count else { throw failure("\(data.count) pixels", expected: "\(count)") }
    guard !header.isTopDown else { return data }
    return (0..<header.height).reversed().flatMap { data[$0 * width..<($0 + 1) * width] }
  }

  /// A picture of 16, 24 or 32 bits.
  func coloured() -> Picture {
    let hasAlpha = header.masks[3] != 0
    let channels = hasAlpha ? 4 : 3
    // For each channel how far to shift, and the largest value.
    let parts = header.masks[..<channels].map { mask in
      (
        mask: mask, shift: UInt32(mask.trailingZeroBitCount),
        largest: mask >> UInt32(mask.trailingZeroBitCount)
      )
    }
    let pixelBytes = header.bits / 8
    var samples: [UInt8] = []
    samples.reserveCapacity(header.width * header.height * channels)
    for y in 0..<header.height {
      var offset = start(y)
      for _ in 0..<header.width {
        var pixel: UInt32 = 0
        for index in 0..<pixelBytes { pixel |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
        offset += pixelBytes
        for part in parts {
          let value = UInt64((pixel & part.mask) >> part.shift)
          samples.append(UInt8(value * 255 / UInt64(part.largest)))
        }
      }
    }
    return Picture(
      width: header.width, height: header.height, layout: hasAlpha ? .rgba : .rgb,
      samples: .bytes(samples), mode: hasAlpha ? .rgba : .rgb)
  }
}
