import Settings

/// A value of a JSON file whose texts are compared byte by byte and whose members keep their order.
///
/// `JSONValue` has Swift's texts, to which "é" and "é" are one; vocabularies hold both.
package enum JSONNode: Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case text([UInt8])
  case list([JSONNode])
  case object([JSONMember])
}

/// A member of an object.
package struct JSONMember: Sendable {
  package let key: [UInt8]
  package let value: JSONNode
}

extension JSONNode {
  /// The member of an object; nil when it is absent or null.
  package subscript(key: String) -> JSONNode? {
    guard case .object(let members) = self,
      let member = members.last(where: { $0.key.elementsEqual(key.utf8) })
    else { return nil }
    if case .null = member.value { return nil }
    return member.value
  }

  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .text: "a text"
    case .list: "a list"
    case .object: "an object"
    }
  }

  package var string: String? {
    guard case .text(let bytes) = self else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
  package var number: Double? {
    guard case .number(let number) = self else { return nil }
    return number
  }
  package var flag: Bool? {
    guard case .bool(let flag) = self else { return nil }
    return flag
  }
  package var list: [JSONNode]? {
    guard case .list(let items) = self else { return nil }
    return items
  }
  package var members: [JSONMember]? {
    guard case .object(let members) = self else { return nil }
    return members
  }
  /// The scalars of a text.
  package var scalars: [UInt32]? {
    guard case .text(let bytes) = self else { return nil }
    return bytes.scalars
  }
  /// A whole number that may be an id.
  package var id: Int? {
    guard case .number(let number) = self, let id = Int(exactly: number), id >= 0, id < 1 << 31
    else { return nil }
    return id
  }
}

extension [UInt8] {
  /// The scalars of UTF-8 that was checked.
  var scalars: [UInt32] { String(decoding: self, as: UTF8.self).unicodeScalars.map(\.value) }
}

extension JSONNode {
  /// Reads strict JSON, with numbers of any size.
  ///
  /// - Parameter place: the file, for messages.
  package init(_ bytes: [UInt8], at place: String) throws(Failure) {
    var parser = JSONNodeParser(bytes, at: place)
    self = try parser.parse()
  }
}

private struct JSONNodeParser {
  private let bytes: [UInt8]
  private let place: String
  private var position = 0
  private static let deepest = 200

  init(_ bytes: [UInt8], at place: String) { (self.bytes, self.place) = (bytes, place) }

  mutating func parse() throws(Failure) -> JSONNode {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let value = try value(depth: 0)
    skipBlanks()
    guard position == bytes.count else { throw failure("something follows the value") }
    return value
  }

  private func failure(_ found: String) -> Failure {
    let line = bytes.prefix(position).count { $0 == 0x0A } + 1
    return Failure(
      .badData, at: "\(place): line \(line), byte \(position)", "this is not JSON: \(found)",
      remedy: "the file is cut short or damaged")
  }

  private mutating func skipBlanks() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipBlanks()
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func take(word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for i in 0..<count where bytes[position + i] != word.utf8Start[i] { return false }
    position += count
    return true
  }

  private mutating func value(depth: Int) throws(Failure) -> JSONNode {
    skipBlanks()
    guard depth < JSONNodeParser.deepest else { throw failure("the nesting is too deep") }
    guard position < bytes.count else { throw failure("it ends where a value begins") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try list(depth: depth)
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
    default:
      if take(word: "true") { return .bool(true) }
      if take(word: "false") { return .bool(false) }
      if take(word: "null") { return .null }
      throw failure("the byte \(bytes[position]) stands where a value begins")
    }
  }

  private mutating func object(depth: Int) throws(Failure) -> JSONNode {
    position += 1
    var members: [JSONMember] = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipBlanks()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw failure("there is no key")
      }
      let key = try text()
      guard take(UInt8(ascii: ":")) else { throw failure("no ':' follows a key") }
      members.append(JSONMember(key: key, value: try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw failure("an object does not end") }
    return .object(members)
  }

  private mutating func list(depth: Int) throws(Failure) -> JSONNode {
    position += 1
    var items: [JSONNode] = []
    if take(UInt8(ascii: "]")) { return .list(items) }
    repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw failure("a list does not end") }
    return .list(items)
  }

  private mutating func number() throws(Failure) -> Double {
    let start = position
    var whole = 0
    while position < bytes.count, position - start < 15, (0x30...0x39).contains(bytes[position]) {
      whole = whole * 10 + Int(bytes[position] - 0x30)
      position += 1
    }
    func goesOn(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte)
    }
    if position > start, position == bytes.count || !goesOn(bytes[position]) {
      return Double(whole)
    }
    while position < bytes.count, goesOn(bytes[position]) { position += 1 }
    guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)),
      value.isFinite
    else { throw failure("there is no number that fits") }
    return value
  }

  private mutating func text() throws(Failure) -> [UInt8] {
    position += 1
    var result: [UInt8] = []
    var isPlain = true
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard isPlain || String(validating: result, as: UTF8.self) != nil else {
          throw failure("a text is not UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): try appendEscape(to: &result)
      case 0..<0x20: throw failure("a text holds a control character")
      default:
        if byte >= 0x80 { isPlain = false }
        result.append(byte)
      }
    }
    throw failure("a text does not end")
  }

  private mutating func appendEscape(to result: inout [UInt8]) throws(Failure) {
    guard position < bytes.count else { throw failure("a text does not end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code), take(word: "\\u") {
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw failure("half a character is escaped") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a character is escaped") }
      result += Array(String(scalar).utf8)
    default: throw failure("there is no escape '\\\(Character(Unicode.Scalar(byte)))'")
    }
  }

  private mutating func hexadecimal() throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw failure("an escape is not four hexadecimal digits") }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
