import Settings

/// GIF: the first picture, on the canvas of the file.
///
/// Source: Graphics Interchange Format, version 89a (CompuServe, 1990).
struct GIF: PictureFormat {
  let name = "GIF"
  let suffixes = ["gif"]

  func recognizes(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: Array("GIF87a".utf8)) || bytes.starts(with: Array("GIF89a".utf8))
  }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    var reader = GIFReader(bytes, at: place)
    return try reader.picture()
  }
}

private struct GIFReader {
  private let bytes: [UInt8]
  private let place: String
  private var offset = 6
  private var palette: [UInt8] = []
  /// The entry that is seen through.
  private var clear: UInt8?

  init(_ bytes: [UInt8], at place: String) { (self.bytes, self.place) = (bytes, place) }

  mutating func picture() throws(Failure) -> Picture {
    let screen = try take(7)
    if screen[4] & 0x80 != 0 { palette = Array(try take(3 << (Int(screen[4] & 7) + 1))) }
    while true {
      switch try take(1)[0] {
      case 0x21: try readExtension()
      case 0x2C: return try firstPicture(canvas: (word(screen, 0), word(screen, 2)))
      case 0x3B: throw failure("there is no picture in the file")
      default: continue
      }
    }
  }

  private mutating func readExtension() throws(Failure) {
    let label = try take(1)[0]
    var isFirst = true
    while true {
      let block = try take(Int(try take(1)[0]))
      if block.isEmpty { return }
      if label == 0xF9, isFirst, block.count >= 4 { clear = block[0] & 1 != 0 ? block[3] : nil }
      isFirst = false
    }
  }

  private mutating func firstPicture(
    canvas: (width: Int, height: Int)
  ) throws(Failure) -> Picture {
    let header = try take(9)
    let (left, top) = (word(header, 0), word(header, 2))
    let (width, height) = (word(header, 4), word(header, 6))
    guard width > 0, height > 0 else { throw failure("a picture of \(width) x \(height) pixels") }
    // Pictures that reach over the edge make the canvas larger.
    let full = (width: max(canvas.width, left + width), height: max(canvas.height, top + height))
    try PictureSize.check(
      full.width, full.height, fileBytes: bytes.count, packing: 1 << 16, at: place)
    if header[8] & 0x80 != 0 { palette = Array(try take(3 << (Int(header[8] & 7) + 1))) }
    let codeBits = Int(try take(1)[0])
    guard (1...11).contains(codeBits) else {
      throw failure("codes of \(codeBits) bits", expected: "1 to 11")
    }
    let indices = try unpacked(codeBits, count: width * height)

    var samples = [UInt8](repeating: clear ?? 0, count: full.width * full.height)
    for (index, y) in rows(height, isInterlaced: header[8] & 0x40 != 0).enumerated() {
      let start = (top + y) * full.width + left
      samples.replaceSubrange(
        start..<start + width, with: indices[index * width..<(index + 1) * width])
    }
    // A palette of all grays in order is none.
    let isGray = palette.indices.allSatisfy { Int(palette[$0]) == $0 / 3 }
    return Picture(
      width: full.width, height: full.height, layout: isGray ? .gray : .palette,
      samples: .bytes(samples), mode: isGray ? .gray : .palette, palette: isGray ? [] : palette,
      paletteAlphas: isGray
        ? [] : clear.map { [UInt8](repeating: 255, count: Int($0)) + [0] } ?? [],
      transparent: isGray ? clear.map { [UInt16($0)] } ?? [] : [])
  }

  /// The rows in the order in which they come.
  private func rows(_ height: Int, isInterlaced: Bool) -> [Int] {
    guard isInterlaced else { return Array(0..<height) }
    return [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { first, step in
      Array(stride(from: first, to: height, by: step))
    }
  }

  /// Unpacks the sub-blocks of a picture.
  private mutating func unpacked(_ codeBits: Int, count: Int) throws(Failure) -> [UInt8] {
    var packed: [UInt8] = []
    while offset < bytes.count, bytes[offset] > 0 {
      // What the last sub-block lacks may not be needed.
      let end = min(offset + 1 + Int(bytes[offset]), bytes.count)
      packed += bytes[offset + 1..<end]
      offset = end
    }
    var decoder = LZW(codeBits: codeBits, order: .leastSignificantFirst)
    let (output, problem) = decoder.unpack(packed[...], count: count)
    if let problem { throw failure(problem) }
    guard output.count == count else {
      throw failure(
        "\(output.count) pixels", expected: "\(count)",
        remedy: "the picture is cut short or damaged")
    }
    return output
  }

  private func word(_ data: ArraySlice<UInt8>, _ index: Int) -> Int {
    Int(data[data.startIndex + index]) | Int(data[data.startIndex + index + 1]) << 8
  }

  private mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
    guard bytes.count - offset >= count else {
      throw failure("the file ends before the picture does")
    }
    defer { offset += count }
    // From 0, so that what is taken is counted from 0 too.
    return Array(bytes[offset..<offset + count])[...]
  }

  private func failure(
    _ found: String, expected: String = "", remedy: String = "the picture is cut short or damaged"
  ) -> Failure {
    Failure(.badData, at: "\(place): byte \(offset)", found, expected: expected, remedy: remedy)
  }
}
