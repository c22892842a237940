/// Collects the bytes of a file, with the least significant byte of numbers first.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }
  public mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Zeros up to a multiple of some number of bytes.
  public mutating func pad(to multiple: Int) {
    bytes.append(
      contentsOf: repeatElement(0, count: (multiple - bytes.count % multiple) % multiple))
  }

  public mutating func littleEndian<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
  public mutating func bigEndian<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
  public mutating func float(_ value: Float) { littleEndian(value.bitPattern) }
  public mutating func double(_ value: Double) { littleEndian(value.bitPattern) }

  /// Appends elements as they lie in memory (little endian on every platform Swift runs on).
  public mutating func elements<T: BitwiseCopyable>(_ values: [T]) {
    values.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }
  public mutating func elements<T: BitwiseCopyable>(_ values: UnsafeBufferPointer<T>) {
    bytes.append(contentsOf: UnsafeRawBufferPointer(values))
  }
}
