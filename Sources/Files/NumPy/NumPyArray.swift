import Settings

/// An array as NumPy keeps it in a `.npy` file: a shape and elements in C order (the last index
/// runs fastest).
///
/// Source: NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays" (Kern, 2007);
/// versions 1.0, 2.0 and 3.0.
public struct NumPyArray: Sendable, Equatable {
  /// The elements; smaller numbers and truth values are widened to 32 bits when read, and unsigned
  /// ones of 32 bits to 64.
  public enum Elements: Sendable, Equatable {
    case float32([Float])
    case float64([Double])
    case int32([Int32])
    case int64([Int64])
    case uint64([UInt64])
    case text([String])

    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .float64(let values): values.count
      case .int32(let values): values.count
      case .int64(let values): values.count
      case .uint64(let values): values.count
      case .text(let values): values.count
      }
    }
  }

  public private(set) var shape: [Int]
  public private(set) var elements: Elements

  /// - Precondition: the product of `shape` is the number of elements.
  public init(shape: [Int], elements: Elements) {
    precondition(
      shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == elements.count,
      "NumPyArray: shape \(shape) does not hold \(elements.count) elements")
    (self.shape, self.elements) = (shape, elements)
  }

  /// Reads a `.npy` file.
  ///
  /// - Throws: `Failure` for a file that is not there or not readable as such an array.
  public static func read(_ path: String) throws(Failure) -> NumPyArray {
    try NumPyArray(bytes: try FileSystem.read(path), at: path)
  }

  /// Reads the bytes of a `.npy` file; `place` names the file in messages.
  ///
  /// Nothing is allocated for the elements before the size of the file is known to fit the shape.
  public init(bytes: [UInt8], at place: String) throws(Failure) {
    var reader = ByteReader(bytes, at: place)
    let header = try NumPyHeader(from: &reader)
    let count = try header.elementCount(in: reader)
    // Elements without bytes, as of empty texts, could be any number.
    let memory = header.type.isNumber ? 2 * header.type.size : 32 + header.type.size
    try MemoryBudget.check([count], bytesEach: memory, for: "the elements", at: place)
    let data = try reader.bytes(count * header.type.size, of: "elements")
    shape = header.shape
    let found = try NumPyElements(data, header, at: place).elements
    elements = header.isFortran ? found.inCOrder(shape) : found
  }

  /// The bytes of a `.npy` file of version 1.0, with the elements at a multiple of 64 bytes.
  public func bytes() -> [UInt8] {
    var writer = NumPyArray.header(descriptor, shape)
    switch elements {
    case .float32(let values): writer.elements(values)
    case .float64(let values): writer.elements(values)
    case .int32(let values): writer.elements(values)
    case .int64(let values): writer.elements(values)
    case .uint64(let values): writer.elements(values)
    case .text(let values):
      let length = textLength
      for value in values {
        for scalar in value.unicodeScalars { writer.littleEndian(scalar.value) }
        writer.append(repeatElement(0, count: 4 * (length - value.unicodeScalars.count)))
      }
    }
    return writer.bytes
  }

  /// The bytes of a `.npy` file of whole numbers from 0 to 255.
  ///
  /// - Precondition: the product of `shape` is the number of elements.
  package static func file(bytes: [UInt8], shape: [Int]) -> [UInt8] {
    precondition(
      shape.reduce(1, *) == bytes.count, "NumPyArray: shape \(shape) of \(bytes.count) bytes")
    var writer = header("|u1", shape)
    writer.append(bytes)
    return writer.bytes
  }

  private static func header(_ descriptor: String, _ shape: [Int]) -> ByteWriter {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    let header =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(sizes)), }"
    let prefix = 10
    let padding = 63 - (prefix + header.utf8.count) % 64
    var writer = ByteWriter()
    writer.append([0x93] + Array("NUMPY".utf8) + [1, 0])
    writer.littleEndian(UInt16(header.utf8.count + padding + 1))
    writer.append(header + String(repeating: " ", count: padding) + "\n")
    return writer
  }

  /// Writes a `.npy` file, whole or not at all.
  public func write(to path: String) throws(Failure) {
    try FileSystem.write(bytes(), to: path)
  }

  private var descriptor: String {
    switch elements {
    case .float32: "<f4"
    case .float64: "<f8"
    case .int32: "<i4"
    case .int64: "<i8"
    case .uint64: "<u8"
    case .text: "<U\(textLength)"
    }
  }

  /// The code points of the longest text.
  private var textLength: Int {
    guard case .text(let values) = elements else { return 0 }
    return max(1, values.map(\.unicodeScalars.count).max() ?? 1)
  }
}
