import Files
import Settings

/// Reads a PBM, PGM or PPM picture, plain (P1 to P3) or packed (P4 to P6).
///
/// Source: the manual pages pbm(5), pgm(5) and ppm(5) of Netpbm.
func readPNM(_ bytes: [UInt8], at place: String) throws(Failure) -> Image {
  var reader = PNMReader(bytes, at: place)
  return try reader.image()
}

private struct PNMReader {
  private let bytes: [UInt8]
  private let place: String
  private var offset = 2

  init(_ bytes: [UInt8], at place: String) { (self.bytes, self.place) = (bytes, place) }

  mutating func image() throws(Failure) -> Image {
    let kind = Int(bytes[1] - UInt8(ascii: "0"))
    let isBitmap = kind == 1 || kind == 4
    let channels = kind == 3 || kind == 6 ? 3 : 1
    let width = try number("the width", in: 1...Image.mostPixels)
    let height = try number("the height", in: 1...Image.mostPixels)
    guard width * height <= Image.mostPixels else {
      throw failure("\(width) x \(height) pixels", "at most \(Image.mostPixels)")
    }
    let maximum = isBitmap ? 1 : try number("the largest value", in: 1...65535)
    let count = width * height * channels
    let values: [Float]
    if kind <= 3 {
      try expect(isBitmap ? count : count * 2 - 1)
      values = try plainValues(count, maximum, isBitmap)
    } else {
      guard offset < bytes.count, isBlank(bytes[offset]) else {
        throw failure("no blank after the header", "one blank, then the pixels")
      }
      offset += 1
      values =
        isBitmap
        ? try packedBits(width, height) : try packedValues(count, maximum)
    }
    return Image(width: width, height: height, channels: channels, values: values)
  }

  private mutating func plainValues(
    _ count: Int, _ maximum: Int, _ isBitmap: Bool
  ) throws(Failure) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(count)
    while values.count < count {
      if isBitmap {
        // The digits of a plain bitmap need no blanks between them.
        skipBlanks()
        guard offset < bytes.count, bytes[offset] == 0x30 || bytes[offset] == 0x31 else {
          throw failure("pixel \(values.count) is missing", "0 or 1")
        }
        values.append(bytes[offset] == 0x30 ? 1 : 0)
        offset += 1
      } else {
        let sample = try number("pixel value \(values.count)", in: 0...maximum)
        values.append(Float(sample) / Float(maximum))
      }
    }
    return values
  }

  private func packedBits(_ width: Int, _ height: Int) throws(Failure) -> [Float] {
    let rowBytes = (width + 7) / 8
    try expect(rowBytes * height)
    var values: [Float] = []
    values.reserveCapacity(width * height)
    for y in 0..<height {
      for x in 0..<width {
        let byte = bytes[offset + y * rowBytes + x / 8]
        values.append(byte << UInt8(x % 8) & 0x80 == 0 ? 1 : 0)
      }
    }
    return values
  }

  private func packedValues(_ count: Int, _ maximum: Int) throws(Failure) -> [Float] {
    let size = maximum < 256 ? 1 : 2
    try expect(count * size)
    var values: [Float] = []
    values.reserveCapacity(count)
    for index in 0..<count {
      let start = offset + index * size
      let sample = size == 1 ? Int(bytes[start]) : Int(bytes[start]) << 8 | Int(bytes[start + 1])
      guard sample <= maximum else {
        throw failure("pixel value \(index) is \(sample)", "at most \(maximum)")
      }
      values.append(Float(sample) / Float(maximum))
    }
    return values
  }

  /// Compares what is left with what the size of the picture needs before room is made for it.
  private func expect(_ count: Int) throws(Failure) {
    guard bytes.count - offset >= count else {
      throw failure("\(bytes.count - offset) bytes of pixels", "at least \(count)")
    }
  }

  private mutating func number(
    _ what: String, in range: ClosedRange<Int>
  ) throws(Failure) -> Int {
    skipBlanks()
    var value: Int?
    while offset < bytes.count, (0x30...0x39).contains(bytes[offset]), (value ?? 0) < 1 << 30 {
      value = (value ?? 0) * 10 + Int(bytes[offset] - 0x30)
      offset += 1
    }
    guard let value, range.contains(value) else {
      throw failure(
        "\(what) is \(value.map(String.init) ?? "missing")",
        "\(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private mutating func skipBlanks() {
    while offset < bytes.count {
      if bytes[offset] == UInt8(ascii: "#") {
        while offset < bytes.count, bytes[offset] != 0x0A, bytes[offset] != 0x0D { offset += 1 }
      } else if isBlank(bytes[offset]) {
        offset += 1
      } else {
        return
      }
    }
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private func failure(_ found: String, _ expected: String) -> Failure {
    Failure(
      .badData, at: "\(place): byte \(offset)", found, expected: expected,
      remedy: "the picture is cut short or damaged")
  }
}
