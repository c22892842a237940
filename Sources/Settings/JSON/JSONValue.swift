/// Any value that JSON can hold.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  /// A whole number that no `Double` is, such as an id above 2⁵³; all others are ``number(_:)``.
  case whole(Int128)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue {
  /// Reads JSON5: JSON with comments, trailing commas and keys without quotes.
  ///
  /// - Parameter place: the file or option it came from, for messages.
  public init(json5 text: String, at place: String) throws(Failure) {
    var parser = JSON5Parser(text, at: place)
    self = try parser.parse()
  }

  /// What the value is, in a word, for messages.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number, .whole: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }

  public subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  /// The nearest `Double` to a number; nil for what is none.
  public var numberValue: Double? {
    switch self {
    case .number(let number): number
    case .whole(let whole): Double(whole)
    default: nil
    }
  }

  /// A whole number that an `Int` can hold; nil for all else.
  public var wholeValue: Int? {
    switch self {
    case .number(let number): Int(exactly: number)
    case .whole(let whole): Int(exactly: whole)
    default: nil
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements) { $1 })
  }

  /// A whole number, to the last digit.
  public init(_ value: some BinaryInteger) {
    let (number, whole) = (Double(value), Int128(value))
    self = Int128(exactly: number) == whole ? .number(number) : .whole(whole)
  }
}

// MARK: - Writing

extension JSONValue: CustomStringConvertible {
  /// The value as JSON on one line, keys in alphabetical order.
  public var description: String {
    var text = ""
    write(to: &text, indent: nil, depth: 0)
    return text
  }

  /// The value as JSON over several lines, keys in alphabetical order.
  public var indented: String {
    var text = ""
    write(to: &text, indent: 2, depth: 0)
    return text + "\n"
  }

  private func write(to text: inout String, indent: Int?, depth: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += JSONValue.text(of: value)
    case .whole(let value): text += String(value)
    case .string(let value): text += JSONValue.quoted(value)
    case .array(let items):
      let isFlat = items.allSatisfy { $0.isScalar }
      JSONValue.writeList(
        "[", items, "]", to: &text, indent: isFlat ? nil : indent, depth: depth
      ) { item, text in item.write(to: &text, indent: indent, depth: depth + 1) }
    case .object(let members):
      let sorted = members.sorted { $0.key < $1.key }
      JSONValue.writeList("{", sorted, "}", to: &text, indent: indent, depth: depth) { item, text in
        text += JSONValue.quoted(item.key) + ": "
        item.value.write(to: &text, indent: indent, depth: depth + 1)
      }
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private static func writeList<Item>(
    _ open: String, _ items: [Item], _ close: String, to text: inout String, indent: Int?,
    depth: Int, _ writeItem: (Item, inout String) -> Void
  ) {
    text += open
    for (i, item) in items.enumerated() {
      if i > 0 { text += indent == nil ? ", " : "," }
      if let indent { text += "\n" + String(repeating: " ", count: indent * (depth + 1)) }
      writeItem(item, &text)
    }
    if let indent, !items.isEmpty { text += "\n" + String(repeating: " ", count: indent * depth) }
    text += close
  }

  /// The shortest text that reads back as the same number, whole numbers of 64 bits without a point;
  /// JSON has no infinities, so null.
  private static func text(of value: Double) -> String {
    guard value.isFinite else { return "null" }
    if abs(value) < 0x1p64, let whole = Int128(exactly: value) { return String(whole) }
    return "\(value)"
  }

  private static func quoted(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
