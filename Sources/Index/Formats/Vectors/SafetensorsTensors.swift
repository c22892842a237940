import Autodiff
import Files
import Settings

extension SafetensorsEntry {
  public init(_ name: String, _ tensor: Tensor) {
    var writer = ByteWriter()
    switch tensor.dtype {
    case .float32: tensor.withElements(of: Float.self) { writer.elements($0) }
    case .float64: tensor.withElements(of: Double.self) { writer.elements($0) }
    }
    self.init(
      name: name, element: tensor.dtype == .float32 ? .float32 : .float64, shape: tensor.shape,
      bytes: writer.bytes)
  }

  /// The entry as a tensor; F16, BF16 and integers of up to 16 bits become float32, larger ones
  /// float64.
  ///
  /// - Parameter place: the file that it came from, for messages.
  public func tensor(at place: String) throws(Failure) -> Tensor {
    func tensor<Bits: FixedWidthInteger, S: Scalar>(_: Bits.Type, _ number: (Bits) -> S) -> Tensor {
      let size = MemoryLayout<Bits>.size
      return Tensor(shape: shape, of: S.self) { elements in
        bytes.withUnsafeBytes { bytes in
          for i in elements.indices {
            elements[i] = number(
              Bits(littleEndian: bytes.loadUnaligned(fromByteOffset: i * size, as: Bits.self)))
          }
        }
      }
    }
    switch element {
    case .float32: return tensor(UInt32.self) { Float(bitPattern: $0) }
    case .float64: return tensor(UInt64.self) { Double(bitPattern: $0) }
    case .bfloat16: return tensor(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .float16: return tensor(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .int8, .uint8, .bool:
      return tensor(UInt8.self) { element == .int8 ? Float(Int8(bitPattern: $0)) : Float($0) }
    case .int16: return tensor(Int16.self) { Float($0) }
    case .uint16: return tensor(UInt16.self) { Float($0) }
    case .int32: return tensor(Int32.self) { Double($0) }
    case .uint32: return tensor(UInt32.self) { Double($0) }
    case .int64: return tensor(Int64.self) { Double($0) }
    case .uint64: return tensor(UInt64.self) { Double($0) }
    }
  }
}

extension SafetensorsFile {
  /// A tensor by its name.
  public func tensor(_ name: String, at place: String) throws(Failure) -> Tensor {
    guard let entry = self[name] else {
      throw Failure(
        .badData, at: place, "there is no tensor '\(name)'",
        remedy: suggestion(for: name, among: tensors.map(\.name)))
    }
    return try entry.tensor(at: place)
  }

  /// All tensors; fails if an array is not of floating-point numbers.
  public func tensorsByName(at place: String) throws(Failure) -> [String: Tensor] {
    var found: [String: Tensor] = [:]
    for entry in tensors { found[entry.name] = try entry.tensor(at: place) }
    return found
  }
}
