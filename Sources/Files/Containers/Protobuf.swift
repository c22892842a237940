import Settings

/// Writes messages in the wire format of Protocol Buffers: for each field a key, which is its
/// number and how its value is written, and the value.
public struct ProtobufWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// A whole number, in groups of seven bits; negative ones take ten bytes.
  public mutating func whole(_ field: Int, _ value: Int) {
    variable(UInt64(field) << 3)
    variable(UInt64(bitPattern: Int64(value)))
  }

  public mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
    variable(UInt64(field) << 3 | 2)
    variable(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  public mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

  /// A message within this one.
  public mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    body(&inner)
    bytes(field, inner.bytes)
  }

  private mutating func variable(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// One field of a message.
public struct ProtobufField: Sendable {
  public enum Value: Sendable {
    case whole(Int)
    case bytes(ArraySlice<UInt8>)
    /// A number of a fixed size, which none of our messages has.
    case fixed
  }

  public let number: Int
  public let value: Value
  /// The file that it came from, for messages.
  let place: String

  public func whole() throws(Failure) -> Int {
    guard case .whole(let value) = value else { throw wrong("a whole number") }
    return value
  }

  public func bytes() throws(Failure) -> ArraySlice<UInt8> {
    guard case .bytes(let value) = value else { throw wrong("a run of bytes") }
    return value
  }

  public func text() throws(Failure) -> String {
    guard let text = String(validating: try bytes(), as: UTF8.self) else { throw wrong("a text") }
    return text
  }

  /// The fields of a message within this field.
  public func fields() throws(Failure) -> [ProtobufField] {
    try ProtobufField.all(in: Array(try bytes()), at: place)
  }

  private func wrong(_ expected: String) -> Failure {
    Failure(
      .badData, at: "\(place): field \(number)", "its value is of another kind",
      expected: expected, remedy: "the file is damaged")
  }

  /// The fields of a message, in their order.
  public static func all(in bytes: [UInt8], at place: String) throws(Failure) -> [ProtobufField] {
    var reader = ByteReader(bytes, at: place)
    var fields: [ProtobufField] = []
    while reader.remaining > 0 {
      let key = try variable(&reader)
      let value: Value
      switch key & 7 {
      case 0: value = .whole(Int(Int64(bitPattern: try variable(&reader))))
      case 2:
        guard let count = Int(exactly: try variable(&reader)) else {
          throw reader.failure("a field is longer than any file")
        }
        value = .bytes(try reader.bytes(count, of: "a field"))
      case 1, 5:
        try reader.skip(key & 7 == 1 ? 8 : 4, of: "a number")
        value = .fixed
      default:
        throw reader.failure(
          "a field is written in way \(key & 7)", expected: "0, 1, 2 or 5",
          remedy: "this is no such file, or it is damaged")
      }
      guard let number = Int(exactly: key >> 3), number > 0 else {
        throw reader.failure("a field has the number 0")
      }
      fields.append(ProtobufField(number: number, value: value, place: place))
    }
    return fields
  }

  private static func variable(_ reader: inout ByteReader) throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte: UInt8 = try reader.littleEndian(of: "a number")
      if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
      if byte < 0x80 { return value }
    }
    throw reader.failure("a number has more than ten bytes")
  }
}
