import Settings

/// The first directory of a TIFF file: what is told of the picture, by number.
struct TIFFDirectory {
  private struct Entry {
    var type, count, offset: Int
  }

  let bytes: [UInt8]
  let place: String
  let isLittleEndian: Bool
  private var entries: [Int: Entry] = [:]

  init(_ bytes: [UInt8], at place: String) throws(Failure) {
    (self.bytes, self.place) = (bytes, place)
    isLittleEndian = bytes[0] == 0x49
    // BigTIFF has offsets and counts of eight bytes.
    let isBig = bytes[isLittleEndian ? 2 : 3] == 43
    let (wordSize, countSize) = isBig ? (8, 8) : (4, 2)
    let start = try number(isBig ? 8 : 4, wordSize)
    let count = try number(start, countSize)
    guard count <= 4096 else { throw failure("a directory of \(count) entries") }
    for index in 0..<count {
      let entry = start + countSize + index * (4 + 2 * wordSize)
      let type = try number(entry + 2, 2)
      let size = TIFFDirectory.size(type)
      let values = try number(entry + 4, wordSize)
      let field = entry + 4 + wordSize
      // What is short lies in the entry itself.
      let isInside = size > 0 && values <= wordSize / size
      let tag = try number(entry, 2)
      if entries[tag] == nil {
        entries[tag] = Entry(
          type: type, count: values, offset: isInside ? field : try number(field, wordSize))
      }
    }
  }

  func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(
      .badData, at: place, found, expected: expected,
      remedy: remedy.isEmpty ? "the picture is cut short or damaged" : remedy)
  }

  /// The bytes of a value of each type; 0 for those that do not exist.
  private static func size(_ type: Int) -> Int {
    switch type {
    case 1, 2, 6, 7: 1
    case 3, 8: 2
    case 4, 9, 11, 13: 4
    case 5, 10, 12, 16, 17, 18: 8
    default: 0
    }
  }

  private func number(_ offset: Int, _ size: Int) throws(Failure) -> Int {
    guard offset >= 0, offset <= bytes.count - size else {
      throw failure("the file ends before its directory does")
    }
    var value: UInt = 0
    for index in 0..<size {
      let byte = bytes[offset + (isLittleEndian ? size - 1 - index : index)]
      value = value << 8 | UInt(byte)
    }
    return Int(min(value, UInt(Int.max / 4)))
  }

  /// The whole numbers under a tag; nil if there are none.
  func numbers(_ tag: Int) throws(Failure) -> [Int]? {
    guard let entry = entries[tag], entry.count > 0 else { return nil }
    let size = TIFFDirectory.size(entry.type)
    guard [1, 3, 4, 6, 7, 8, 9, 13, 16].contains(entry.type) else {
      throw failure("tag \(tag) holds no whole numbers")
    }
    guard entry.count <= (bytes.count - min(entry.offset, bytes.count)) / size else {
      throw failure("the file ends before the values of tag \(tag) do")
    }
    var values: [Int] = []
    values.reserveCapacity(entry.count)
    for index in 0..<entry.count { values.append(try number(entry.offset + index * size, size)) }
    return values
  }

  func number(_ tag: Int, default fallback: Int) throws(Failure) -> Int {
    try numbers(tag)?.first ?? fallback
  }

  /// The bytes under a tag.
  func data(_ tag: Int) throws(Failure) -> ArraySlice<UInt8>? {
    guard let entry = entries[tag] else { return nil }
    guard entry.offset <= bytes.count, entry.count <= bytes.count - entry.offset else {
      throw failure("the file ends before the values of tag \(tag) do")
    }
    return bytes[entry.offset..<entry.offset + entry.count]
  }
}
