import Settings

/// Named arrays with text about them, in the safetensors format.
///
/// Layout: the header's length (8 bytes, little endian), the header (JSON, padded with spaces to a
/// multiple of 8 bytes), then the arrays without gaps.
public struct SafetensorsFile: Sendable, Equatable {
  /// The type of an array's elements, by its name in the header.
  public enum Element: String, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint64 = "U64"
    case uint32 = "U32"
    case uint16 = "U16"
    case uint8 = "U8"
    case bool = "BOOL"

    /// Bytes of one element.
    public var size: Int {
      switch self {
      case .float64, .int64, .uint64: 8
      case .float32, .int32, .uint32: 4
      case .float16, .bfloat16, .int16, .uint16: 2
      case .int8, .uint8, .bool: 1
      }
    }
  }

  public var metadata: [String: String]
  /// In the order of their bytes in the file.
  public var tensors: [SafetensorsEntry]

  public init(metadata: [String: String] = [:], tensors: [SafetensorsEntry]) {
    (self.metadata, self.tensors) = (metadata, tensors)
  }

  public subscript(name: String) -> SafetensorsEntry? { tensors.first { $0.name == name } }
}

/// An array in a safetensors file.
public struct SafetensorsEntry: Sendable, Equatable {
  public var name: String
  public var element: SafetensorsFile.Element
  public var shape: [Int]
  /// The elements by rows, little endian.
  public var bytes: [UInt8]

  public init(name: String, element: SafetensorsFile.Element, shape: [Int], bytes: [UInt8]) {
    (self.name, self.element, self.shape, self.bytes) = (name, element, shape, bytes)
  }
}

// MARK: - Writing

extension SafetensorsFile {
  /// The bytes of the file: the same for the same content, arrays in their order.
  ///
  /// `"format": "pt"` joins the metadata unless they name a format: some readers insist on it.
  /// - Throws: if two arrays have one name, or if the bytes of one do not fill its shape.
  public func bytes() throws(Failure) -> [UInt8] {
    var names: Set<String> = ["__metadata__"]
    for entry in tensors {
      let place = "safetensors: tensor '\(entry.name)'"
      guard names.insert(entry.name).inserted else {
        throw Failure(.badData, at: place, "the name is taken")
      }
      guard SafetensorsFile.byteCount(entry.shape, entry.element) == entry.bytes.count else {
        throw Failure(
          .badData, at: place, "\(entry.bytes.count) bytes do not fill shape \(entry.shape)")
      }
    }
    let texts = ["format": "pt"].merging(metadata) { $1 }
    var members = [
      "\"__metadata__\":" + JSONValue.object(texts.mapValues { .string($0) }).description
    ]
    var end = 0
    for entry in tensors {
      let shape = entry.shape.map(String.init).joined(separator: ",")
      members.append(
        JSONValue.string(entry.name).description
          + ":{\"dtype\":\"\(entry.element.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(end),\(end + entry.bytes.count)]}")
      end += entry.bytes.count
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    var writer = ByteWriter()
    writer.littleEndian(UInt64(header.count))
    writer.append(header)
    for entry in tensors { writer.append(entry.bytes) }
    return writer.bytes
  }

  public func write(to path: String) throws(Failure) { try FileSystem.write(try bytes(), to: path) }

  /// How many bytes an array has, or nil if that is no number that fits: 0 rows of width 2⁶² are none
  /// either, since whoever reads them multiplies with the width.
  static func byteCount(_ shape: [Int], _ element: Element) -> Int? {
    MemoryBudget.product(shape + [element.size])
  }
}

// MARK: - Reading

extension SafetensorsFile {
  public static func read(_ path: String) throws(Failure) -> SafetensorsFile {
    try SafetensorsFile(try FileSystem.read(path), at: path)
  }

  /// - Parameter place: the file that the bytes came from, for messages.
  public init(_ bytes: [UInt8], at place: String) throws(Failure) {
    var reader = ByteReader(bytes, at: place)
    let length: UInt64 = try reader.littleEndian(of: "the header's length")
    guard length <= UInt64(reader.remaining), length <= 100_000_000 else {
      throw Failure(
        .badData, at: "\(place): byte 0", "the header is said to have \(length) bytes",
        expected: "no more than the \(reader.remaining) that follow, and at most 100000000",
        remedy: "this is not a safetensors file, or it is cut short")
    }
    let header = try SafetensorsHeader(try reader.bytes(Int(length)), at: place)
    let start = reader.offset
    var end = 0
    var entries: [SafetensorsEntry] = []
    for item in header.items.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let where_ = "\(place): tensor '\(item.name)'"
      guard item.begin == end, item.end >= end, item.end <= reader.remaining else {
        throw Failure(
          .badData, at: where_, "it lies at bytes \(item.begin) to \(item.end)",
          expected: "a place that begins at \(end) and ends within \(reader.remaining)",
          remedy: "arrays must follow each other without gap or overlap")
      }
      guard SafetensorsFile.byteCount(item.shape, item.element) == item.end - item.begin else {
        throw Failure(
          .badData, at: where_, "it has \(item.end - item.begin) bytes",
          expected: "as many as \(item.element.rawValue) of shape \(item.shape) takes")
      }
      entries.append(
        SafetensorsEntry(
          name: item.name, element: item.element, shape: item.shape,
          bytes: Array(bytes[start + item.begin..<start + item.end])))
      end = item.end
    }
    guard end == reader.remaining else {
      throw Failure(
        .badData, at: place, "\(reader.remaining - end) bytes belong to no tensor",
        remedy: "the file is damaged")
    }
    self.init(metadata: header.metadata, tensors: entries)
  }
}
