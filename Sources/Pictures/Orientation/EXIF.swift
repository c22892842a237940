/// The orientation that EXIF data tell, which are a small TIFF file.
///
/// Source: CIPA DC-008 (EXIF 2.32), section 4.6; TIFF 6.0, section 2.
enum EXIF {
  static let prefix: [UInt8] = Array("Exif\0\0".utf8)

  /// 1 to 8; 1 for data without it, with another number, or that make no sense.
  static func orientation(_ data: ArraySlice<UInt8>) -> Int {
    let bytes = Array(data.starts(with: prefix) ? data.dropFirst(prefix.count) : data)
    let isLittle = bytes.starts(with: [0x49, 0x49])
    guard isLittle || bytes.starts(with: [0x4D, 0x4D]) else { return 1 }
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0, offset + size <= bytes.count else { return nil }
      let part = bytes[offset..<offset + size]
      return isLittle
        ? part.reversed().reduce(0) { $0 << 8 | Int($1) } : part.reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(2, 2) == 42, let directory = number(4, 4), let count = number(directory, 2) else {
      return 1
    }
    for entry in 0..<count {
      let offset = directory + 2 + 12 * entry
      guard let tag = number(offset, 2), let type = number(offset + 2, 2) else { return 1 }
      guard tag == 0x0112 else { continue }
      // A SHORT, but some programs write a LONG.
      let value = type == 4 ? number(offset + 8, 4) : number(offset + 8, 2)
      return value.flatMap { (1...8).contains($0) ? $0 : nil } ?? 1
    }
    return 1
  }
}
