import Settings

/// PBM, PGM and PPM pictures, plain (P1 to P3) or packed (P4 to P6).
///
/// Source: the manual pages pbm(5), pgm(5) and ppm(5) of Netpbm.
struct PNM: PictureFormat {
  let name = "PPM"
  let suffixes = ["pgm", "ppm", "pbm", "pnm"]

  func recognizes(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == UInt8(ascii: "P") && (0x31...0x36).contains(bytes[1])
  }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    var reader = PNMReader(bytes, at: place)
    return try reader.picture()
  }
}

private struct PNMReader {
  private let bytes: [UInt8]
  private let place: String
  private var offset = 2

  init(_ bytes: [UInt8], at place: String) { (self.bytes, self.place) = (bytes, place) }

  mutating func picture() throws(Failure) -> Picture {
    let kind = Int(bytes[1] - UInt8(ascii: "0"))
    let isBitmap = kind == 1 || kind == 4
    let channels = kind == 3 || kind == 6 ? 3 : 1
    let width = try number("the width", in: 1...PictureSize.mostPixels)
    let height = try number("the height", in: 1...PictureSize.mostPixels)
    try PictureSize.check(
      width, height, fileBytes: bytes.count, packing: 8, at: "\(place): byte \(offset)")
    let maximum = isBitmap ? 1 : try number("the largest value", in: 1...65535)
    let count = width * height * channels
    let samples: Picture.Samples
    if kind <= 3 {
      try expect(isBitmap ? count : count * 2 - 1)
      samples = try plainSamples(count, maximum, isBitmap)
    } else {
      guard offset < bytes.count, isBlank(bytes[offset]) else {
        throw failure("no blank after the header", "one blank, then the pixels")
      }
      offset += 1
      samples =
        isBitmap ? try packedBits(width, height) : try packedSamples(count, maximum)
    }
    return Picture(
      width: width, height: height, layout: channels == 1 ? .gray : .rgb, samples: samples,
      maximum: maximum,
      mode: isBitmap ? .bits : channels == 3 ? .rgb : maximum > 255 ? .integers : .gray,
      roundsToBytes: true)
  }

  private mutating func plainSamples(
    _ count: Int, _ maximum: Int, _ isBitmap: Bool
  ) throws(Failure) -> Picture.Samples {
    var samples: [UInt16] = []
    samples.reserveCapacity(count)
    while samples.count < count {
      if isBitmap {
        // The digits of a plain bitmap need no blanks between them; 1 is ink.
        skipBlanks()
        guard offset < bytes.count, bytes[offset] == 0x30 || bytes[offset] == 0x31 else {
          throw failure("pixel \(samples.count) is missing", "0 or 1")
        }
        samples.append(bytes[offset] == 0x30 ? 1 : 0)
        offset += 1
      } else {
        samples.append(UInt16(try number("pixel value \(samples.count)", in: 0...maximum)))
      }
    }
    return maximum > 255
      ? .words(samples) : .bytes(samples.map { UInt8(truncatingIfNeeded: $0) })
  }

  private func packedBits(_ width: Int, _ height: Int) throws(Failure) -> Picture.Samples {
    let rowBytes = (width + 7) / 8
    try expect(rowBytes * height)
    var samples: [UInt8] = []
    samples.reserveCapacity(width * height)
    for y in 0..<height {
      for x in 0..<width {
        let byte = bytes[offset + y * rowBytes + x / 8]
        samples.append(byte << UInt8(x % 8) & 0x80 == 0 ? 1 : 0)
      }
    }
    return .bytes(samples)
  }

  private func packedSamples(_ count: Int, _ maximum: Int) throws(Failure) -> Picture.Samples {
    func check(_ largest: Int?, _ index: (Int) -> Int?) throws(Failure) {
      guard let largest, largest > maximum else { return }
      throw failure(
        "pixel value \(index(largest) ?? 0) is \(largest)", "at most \(maximum)")
    }
    guard maximum > 255 else {
      try expect(count)
      let samples = Array(bytes[offset..<offset + count])
      if maximum < 255 {
        try check(samples.max().map { Int($0) }) { largest in
          samples.firstIndex { Int($0) == largest }
        }
      }
      return .bytes(samples)
    }
    try expect(count * 2)
    let samples = (0..<count).map { index in
      UInt16(bytes[offset + 2 * index]) << 8 | UInt16(bytes[offset + 2 * index + 1])
    }
    try check(samples.max().map { Int($0) }) { largest in
      samples.firstIndex { Int($0) == largest }
    }
    return .words(samples)
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
