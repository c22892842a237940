import Settings

/// The header of a safetensors file.
///
/// Parsed by hand: the grammar has a fixed depth, so that no input can nest without end, and keys
/// that occur twice must be refused, which general JSON readers do not tell.
struct SafetensorsHeader {
  struct Item {
    let name: String
    var element = SafetensorsFile.Element.uint8
    var shape: [Int] = []
    var begin = 0
    var end = 0
  }

  private(set) var metadata: [String: String] = [:]
  private(set) var items: [Item] = []

  init(_ bytes: ArraySlice<UInt8>, at place: String) throws(Failure) {
    var scanner = Scanner(bytes, at: place)
    var names: Set<String> = []
    try scanner.object { scanner, name throws(Failure) in
      guard names.insert(name).inserted else { throw scanner.failure("'\(name)' occurs twice") }
      if name == "__metadata__" {
        try scanner.object { scanner, key throws(Failure) in
          let text = try scanner.string()
          guard metadata.updateValue(text, forKey: key) == nil else {
            throw scanner.failure("the metadata has '\(key)' twice")
          }
        }
      } else {
        items.append(try Item(name, &scanner))
      }
    }
    try scanner.finish()
  }
}

extension SafetensorsHeader.Item {
  fileprivate init(_ name: String, _ scanner: inout Scanner) throws(Failure) {
    self.name = name
    var keys: Set<String> = []
    try scanner.object { scanner, key throws(Failure) in
      guard keys.insert(key).inserted else {
        throw scanner.failure("tensor '\(name)' has '\(key)' twice")
      }
      switch key {
      case "dtype":
        let word = try scanner.string()
        guard let element = SafetensorsFile.Element(rawValue: word) else {
          throw scanner.failure(
            "tensor '\(name)' has elements of type '\(word)'",
            expected: SafetensorsFile.Element.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.element = element
      case "shape": shape = try scanner.integers()
      case "data_offsets":
        let offsets = try scanner.integers()
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
          throw scanner.failure(
            "tensor '\(name)' has offsets \(offsets)", expected: "where it begins and ends")
        }
        (begin, end) = (offsets[0], offsets[1])
      default: throw scanner.failure("tensor '\(name)' has the unknown key '\(key)'")
      }
    }
    guard keys.count == 3 else {
      throw scanner.failure(
        "tensor '\(name)' is described in part", expected: "dtype, shape and data_offsets")
    }
  }
}

/// Reads the few forms of JSON that the header may have.
private struct Scanner {
  private let bytes: ArraySlice<UInt8>
  private var position: Int
  private let place: String

  init(_ bytes: ArraySlice<UInt8>, at place: String) {
    (self.bytes, position, self.place) = (bytes, bytes.startIndex, place)
  }

  func failure(_ found: String, expected: String = "") -> Failure {
    Failure(.badData, at: "\(place): header, byte \(position)", found, expected: expected)
  }

  /// The next byte that is not white space, or nil at the end.
  private mutating func next() -> UInt8? {
    while position < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
    return position < bytes.endIndex ? bytes[position] : nil
  }

  private mutating func take(_ byte: Unicode.Scalar) throws(Failure) {
    guard next() == UInt8(ascii: byte) else {
      throw failure("the header is not as it should be", expected: "'\(byte)'")
    }
    position += 1
  }

  private mutating func skips(_ byte: Unicode.Scalar) -> Bool {
    guard next() == UInt8(ascii: byte) else { return false }
    position += 1
    return true
  }

  mutating func finish() throws(Failure) {
    guard next() == nil else { throw failure("the header goes on after its end") }
  }

  /// Reads an object; `member` reads the value of each key.
  mutating func object(
    _ member: (inout Scanner, _ key: String) throws(Failure) -> Void
  ) throws(Failure) {
    try take("{")
    if skips("}") { return }
    repeat {
      let key = try string()
      try take(":")
      try member(&self, key)
    } while skips(",")
    try take("}")
  }

  mutating func integers() throws(Failure) -> [Int] {
    var values: [Int] = []
    try take("[")
    if skips("]") { return values }
    repeat { values.append(try integer()) } while skips(",")
    try take("]")
    return values
  }

  private mutating func integer() throws(Failure) -> Int {
    _ = next()
    let start = position
    while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) { position += 1 }
    guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw failure("there is no number that fits", expected: "a whole number, 0 or more")
    }
    return value
  }

  mutating func string() throws(Failure) -> String {
    try take("\"")
    var text: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw failure("a text is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): text += Array(String(try escaped()).utf8)
      case 0..<0x20: throw failure("a text holds a control character")
      default: text.append(byte)
      }
    }
    throw failure("the header ends within a text")
  }

  private mutating func escaped() throws(Failure) -> Unicode.Scalar {
    guard position < bytes.endIndex else { throw failure("the header ends within a text") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      var value = try hexadecimal()
      if (0xD800..<0xDC00).contains(value) {
        try take("\\")
        try take("u")
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else {
          throw failure("a text holds half a character")
        }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw failure("a text holds half a character")
      }
      return scalar
    default: throw failure("a text holds an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    guard bytes.endIndex - position >= 4,
      bytes[position..<position + 4].allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw failure("an escape is not four hexadecimal digits") }
    position += 4
    return value
  }
}
