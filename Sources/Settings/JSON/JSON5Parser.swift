import Foundation

/// Reads JSON5: JSON with comments, trailing commas, keys without quotes, text in single quotes and
/// the numbers of JavaScript.
///
/// Foundation reads JSON5 too, but traps on some texts that are none (Swift 6.3), and recipes come
/// from users. Keys that occur twice and nesting deeper than 200 are refused.
struct JSON5Parser {
  private let bytes: [UInt8]
  private let place: String
  private var position = 0
  private static let deepest = 200

  init(_ text: String, at place: String) { (bytes, self.place) = (Array(text.utf8), place) }

  /// The one value of the whole text.
  mutating func parse() throws(Failure) -> JSONValue {
    let value = try value(depth: 0)
    try skipBlanks()
    guard position == bytes.count else {
      throw failure("\(shown) follows the value", expected: "the end of the text")
    }
    return value
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// What stands here, for messages.
  private var shown: String {
    guard let next else { return "the text ends, and nothing" }
    let isPlain = next > 0x20 && next < 0x7F
    return isPlain ? "'\(Character(Unicode.Scalar(next)))'" : "the byte \(next)"
  }

  private func failure(_ found: String, expected: String) -> Failure {
    let before = bytes.prefix(position)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let column = position - (before.lastIndex(of: UInt8(ascii: "\n")) ?? -1)
    return Failure(
      .badData, at: "\(place): line \(line), column \(column)", "this is not JSON5: \(found)",
      expected: expected)
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func skipBlanks() throws(Failure) {
    while let byte = next {
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        position += 1
      } else if take(word: "\u{FEFF}") || take(word: "\u{A0}") {
        continue
      } else if take(word: "//") {
        while let byte = next, byte != UInt8(ascii: "\n") { position += 1 }
      } else if take(word: "/*") {
        while !take(word: "*/") {
          guard next != nil else { throw failure("a comment does not end", expected: "*/") }
          position += 1
        }
      } else {
        return
      }
    }
  }

  private mutating func value(depth: Int) throws(Failure) -> JSONValue {
    try skipBlanks()
    guard depth < Self.deepest else {
      throw failure("the nesting is deeper than \(Self.deepest)", expected: "less")
    }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try text())
    default: break
    }
    if take(word: "true") { return .bool(true) }
    if take(word: "false") { return .bool(false) }
    if take(word: "null") { return .null }
    return try number()
  }

  private mutating func object(depth: Int) throws(Failure) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    while true {
      try skipBlanks()
      if take("}") { return .object(members) }
      let key = try key()
      try skipBlanks()
      guard take(":") else { throw failure("\(shown) follows the key '\(key)'", expected: "':'") }
      guard members[key] == nil else {
        throw failure("the key '\(key)' occurs twice", expected: "it once")
      }
      members[key] = try value(depth: depth + 1)
      try skipBlanks()
      guard take(",") || next == UInt8(ascii: "}") else {
        throw failure("\(shown) follows a member", expected: "',' or '}'")
      }
    }
  }

  private mutating func array(depth: Int) throws(Failure) -> JSONValue {
    position += 1
    var items: [JSONValue] = []
    while true {
      try skipBlanks()
      if take("]") { return .array(items) }
      items.append(try value(depth: depth + 1))
      try skipBlanks()
      guard take(",") || next == UInt8(ascii: "]") else {
        throw failure("\(shown) follows an item", expected: "',' or ']'")
      }
    }
  }

  private mutating func key() throws(Failure) -> String {
    if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") { return try text() }
    let start = position
    while let byte = next, isNamePart(byte) { position += 1 }
    let name = bytes[start..<position]
    guard let first = name.first, !(0x30...0x39).contains(first) else {
      position = start
      throw failure("\(shown) stands where a key begins", expected: "a name or a text")
    }
    return String(decoding: name, as: UTF8.self)
  }

  private func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...0xFF: true
    default: byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }
  }

  private mutating func text() throws(Failure) -> String {
    let quote = bytes[position]
    position += 1
    var result: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case quote: return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"): try appendEscape(to: &result)
      case UInt8(ascii: "\n"):
        position -= 1
        throw failure("a text goes over the end of its line", expected: "the closing quote")
      default: result.append(byte)
      }
    }
    throw failure("a text does not end", expected: "the closing quote")
  }

  private mutating func appendEscape(to result: inout [UInt8]) throws(Failure) {
    guard let byte = next else { return }
    position += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "v"): result.append(0x0B)
    case UInt8(ascii: "0"): result.append(0x00)
    case UInt8(ascii: "\n"): break
    case UInt8(ascii: "x"): append(Unicode.Scalar(UInt8(try digits(2))), to: &result)
    case UInt8(ascii: "u"):
      var code = try digits(4)
      if (0xD800..<0xDC00).contains(code), take(word: "\\u") {
        let low = try digits(4)
        code =
          (0xDC00..<0xE000).contains(low)
          ? 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) : 0xFFFD
      }
      append(Unicode.Scalar(code) ?? "\u{FFFD}", to: &result)
    default: result.append(byte)
    }
  }

  private func append(_ scalar: Unicode.Scalar, to result: inout [UInt8]) {
    result += Array(String(Character(scalar)).utf8)
  }

  /// A number of hexadecimal digits.
  private mutating func digits(_ count: Int) throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("\(shown) stands in an escape", expected: "a hexadecimal digit")
      }
      position += 1
      value = value << 4 + UInt32(digit)
    }
    return value
  }

  private mutating func number() throws(Failure) -> JSONValue {
    let start = position
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    let unsigned = position
    while let byte = next,
      isNamePart(byte) || byte == UInt8(ascii: ".") || isSign(byte, after: unsigned)
    {
      position += 1
    }
    let text = String(decoding: bytes[unsigned..<position], as: UTF8.self)
    guard let value = Self.number(text) else {
      position = start
      let word = text.isEmpty ? shown : "'\(text)'"
      throw failure("\(word) stands where a value begins", expected: "a value")
    }
    // More digits than a float64 has: whole numbers of 64 bits stay what they are.
    if abs(value) >= 0x1p53, abs(value) < 0x1p65, let whole = Self.whole(text) {
      return JSONValue(isNegative ? -whole : whole)
    }
    return .number(isNegative ? -value : value)
  }

  /// Whether a sign belongs to the exponent of the number that began at `start`.
  private func isSign(_ byte: UInt8, after start: Int) -> Bool {
    guard byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+"), position > start else {
      return false
    }
    let isHexadecimal = bytes[start...].starts(with: "0x".utf8)
    return !isHexadecimal && bytes[position - 1] | 0x20 == UInt8(ascii: "e")
  }

  /// A number of digits alone that has 64 bits.
  private static func whole(_ text: String) -> Int128? {
    let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
    let whole =
      isHexadecimal ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text, radix: 10)
    return whole.map { Int128($0) }
  }

  private static func number(_ text: String) -> Double? {
    if text == "Infinity" { return .infinity }
    if text == "NaN" { return .nan }
    if text.hasPrefix("0x") || text.hasPrefix("0X") {
      return UInt64(text.dropFirst(2), radix: 16).map { Double($0) }
    }
    // Swift reads "inf", "nan" and hexadecimal floats as well, which JSON5 does not have.
    let allowed = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "eE.+-".utf8.contains($0) }
    guard allowed, text.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
    return Double(text.hasSuffix(".") ? text + "0" : text)
  }
}
