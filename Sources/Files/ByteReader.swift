import Settings

/// Reads numbers and runs of bytes out of untrusted bytes, never past their end.
public struct ByteReader: Sendable {
  /// The file that the bytes came from, for messages.
  public let place: String
  public let bytes: [UInt8]
  public private(set) var offset = 0

  public init(_ bytes: [UInt8], at place: String) {
    (self.bytes, self.place) = (bytes, place)
  }

  public var remaining: Int { bytes.count - offset }

  /// A failure that names the file and the offset.
  public func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(.badData, at: "\(place): byte \(offset)", found, expected: expected, remedy: remedy)
  }

  /// The next `count` bytes.
  public mutating func bytes(_ count: Int, of what: String = "data") throws(Failure)
    -> ArraySlice<UInt8>
  {
    guard count >= 0, count <= remaining else {
      throw failure(
        "the file ends after \(remaining) more bytes", expected: "\(count) bytes of \(what)",
        remedy: "the file is cut short or damaged")
    }
    offset += count
    return bytes[offset - count..<offset]
  }

  public mutating func skip(_ count: Int, of what: String = "data") throws(Failure) {
    _ = try bytes(count, of: what)
  }

  /// The next integer, with the least significant byte first.
  public mutating func littleEndian<T: FixedWidthInteger>(
    _: T.Type = T.self, of what: String = "a number"
  ) throws(Failure) -> T {
    var value: T = 0
    for byte in try bytes(MemoryLayout<T>.size, of: what).reversed() {
      value = value << 8 | T(truncatingIfNeeded: byte)
    }
    return value
  }

  /// The next integer, with the most significant byte first.
  public mutating func bigEndian<T: FixedWidthInteger>(
    _: T.Type = T.self, of what: String = "a number"
  ) throws(Failure) -> T {
    try littleEndian(T.self, of: what).byteSwapped
  }
}
