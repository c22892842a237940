import Settings

/// What a `.npy` file says about its elements: a Python dictionary with the keys `descr`,
/// `fortran_order` and `shape`.
struct NumPyHeader {
  enum ElementType: Equatable {
    case float16, float32, float64
    case int8, int16, int32, int64
    case uint8, uint16, uint32, uint64
    case bool
    /// So many code points (U) or bytes (S) in each element.
    case text(Int)
    case bytes(Int)

    /// By the name that NumPy gives it, without the order of its bytes.
    init?(_ name: String) {
      let known: [String: ElementType] = [
        "f2": .float16, "f4": .float32, "f8": .float64, "i1": .int8, "i2": .int16, "i4": .int32,
        "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool,
      ]
      if let type = known[name] {
        self = type
      } else if let kind = name.first, kind == "U" || kind == "S",
        let length = Int(name.dropFirst()), (0...1 << 28).contains(length)
      {
        self = kind == "U" ? .text(length) : .bytes(length)
      } else {
        return nil
      }
    }

    var size: Int {
      switch self {
      case .int8, .uint8, .bool: 1
      case .float16, .int16, .uint16: 2
      case .float32, .int32, .uint32: 4
      case .float64, .int64, .uint64: 8
      case .text(let length): 4 * length
      case .bytes(let length): length
      }
    }

    /// Whether the elements are floating point numbers.
    var isFloating: Bool { self == .float16 || self == .float32 || self == .float64 }
    /// Whether they are numbers at all.
    var isNumber: Bool {
      switch self {
      case .text, .bytes: false
      default: true
      }
    }
  }

  var type: ElementType
  var isBigEndian: Bool
  /// Whether the first index runs fastest.
  var isFortran: Bool
  var shape: [Int]

  /// Reads the header and leaves the reader at the first element.
  init(from reader: inout ByteReader) throws(Failure) {
    guard reader.bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw reader.failure(
        "this is not a .npy file", expected: "the bytes \\x93NUMPY",
        remedy: "write it with numpy.save")
    }
    try reader.skip(6)
    let version: UInt16 = try reader.littleEndian(of: "the version")
    let length: Int
    switch version {
    case 1: length = Int(try reader.littleEndian(UInt16.self, of: "the length of the header"))
    case 2, 3: length = Int(try reader.littleEndian(UInt32.self, of: "the length of the header"))
    default:
      throw reader.failure(
        "version \(version & 0xFF).\(version >> 8) of the .npy format", expected: "1.0, 2.0 or 3.0")
    }
    let start = reader
    var literal = PythonLiteral(Array(try reader.bytes(length, of: "header")))
    guard let dictionary = literal.headerDictionary() else {
      throw start.failure(
        "the header is malformed",
        expected: "{'descr': '<f4', 'fortran_order': False, 'shape': (rows, columns), }",
        remedy: "write the file again with numpy.save")
    }
    type = try NumPyHeader.elementType(dictionary.descriptor, start)
    isBigEndian = dictionary.descriptor.first == ">"
    isFortran = dictionary.isFortran
    shape = dictionary.shape
  }

  /// The product of the shape, once it is known to be what the file still holds.
  func elementCount(in reader: ByteReader) throws(Failure) -> Int {
    guard let count = MemoryBudget.product(shape),
      let size = MemoryBudget.product(shape + [type.size])
    else {
      throw reader.failure(
        "the shape \(describe(shape)) is too large", expected: "\(reader.remaining) bytes in all",
        remedy: "the file is damaged")
    }
    guard size == reader.remaining else {
      throw reader.failure(
        "\(reader.remaining) bytes of elements",
        expected: "\(size) for the shape \(describe(shape))",
        remedy: size > reader.remaining
          ? "the file is cut short or damaged" : "the file has more than one array or is damaged")
    }
    return count
  }

  private static func elementType(
    _ descriptor: String, _ reader: ByteReader
  ) throws(Failure) -> ElementType {
    let shown = descriptor.count > 16 ? descriptor.prefix(16) + "…" : descriptor[...]
    let isKnownOrder = descriptor.first.map { "<>|=".contains($0) } == true
    if isKnownOrder, let type = ElementType(String(descriptor.dropFirst())) { return type }
    let remedy =
      switch descriptor.dropFirst().first {
      case "O":
        "they are Python objects: save np.stack(array).astype(np.float32) for vectors, "
          + "array.astype(np.int64) or array.astype(str) for labels"
      case "f": "save array.astype(np.float64)"
      case "c": "save array.real and array.imag side by side"
      case "M", "m": "save array.astype(np.int64)"
      default: "save one field, or a plain matrix of numbers"
      }
    throw reader.failure(
      "elements of type '\(shown)'", expected: "float16 to float64, integers, bool or text",
      remedy: remedy)
  }
}

/// A shape as Python writes it, cut after a few extents.
func describe(_ shape: [Int]) -> String {
  let shown = shape.prefix(6).map(String.init).joined(separator: ", ")
  return "(\(shown)\(shape.count == 1 ? "," : shape.count > 6 ? ", …" : ""))"
}

/// The few Python literals that the header of a `.npy` file has.
private struct PythonLiteral {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The dictionary, or nil unless it has exactly the three keys and nothing but blanks after it.
  mutating func headerDictionary() -> (descriptor: String, isFortran: Bool, shape: [Int])? {
    var descriptor: String?
    var isFortran: Bool?
    var shape: [Int]?
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = string(), take(":") else { return nil }
      switch key {
      case "descr" where descriptor == nil: descriptor = string() ?? structure()
      case "fortran_order" where isFortran == nil: isFortran = truth()
      case "shape" where shape == nil: shape = tuple()
      default: return nil
      }
      if !take(",") {
        guard take("}") else { return nil }
        break
      }
    }
    skipBlanks()
    guard offset == bytes.count, let descriptor, let isFortran, let shape else { return nil }
    return (descriptor, isFortran, shape)
  }

  private mutating func skipBlanks() {
    while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
  }

  private mutating func take(_ word: String) -> Bool {
    skipBlanks()
    guard bytes[offset...].starts(with: word.utf8) else { return false }
    offset += word.utf8.count
    return true
  }

  private mutating func truth() -> Bool? {
    take("True") ? true : take("False") ? false : nil
  }

  private mutating func string() -> String? {
    let quote: UInt8
    if take("'") { quote = 0x27 } else if take("\"") { quote = 0x22 } else { return nil }
    guard let end = bytes[offset...].firstIndex(of: quote) else { return nil }
    defer { offset = end + 1 }
    return String(decoding: bytes[offset..<end], as: UTF8.self)
  }

  /// The list that describes structured elements, as text: it is named when it is refused.
  private mutating func structure() -> String? {
    guard take("[") else { return nil }
    let start = offset - 1
    var depth = 1
    while depth > 0 {
      guard offset < bytes.count else { return nil }
      if bytes[offset] == 0x5B { depth += 1 }
      if bytes[offset] == 0x5D { depth -= 1 }
      offset += 1
    }
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }

  /// A shape; NumPy knows at most 64 dimensions.
  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var extents: [Int] = []
    while !take(")") {
      guard let extent = integer() else { return nil }
      extents.append(extent)
      guard extents.count <= 64 else { return nil }
      if !take(",") {
        // Python reads "(3)" as a number, not as a tuple.
        guard extents.count > 1, take(")") else { return nil }
        break
      }
    }
    return extents
  }

  private mutating func integer() -> Int? {
    skipBlanks()
    var value: Int?
    while offset < bytes.count, case 0x30...0x39 = bytes[offset] {
      let (tens, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(bytes[offset] - 0x30))
      guard !overflow, !carry else { return nil }
      value = sum
      offset += 1
    }
    // Python 2 marks long integers with an L.
    if value != nil { _ = take("L") }
    return value
  }
}
