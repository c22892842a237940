import Autodiff
import Files
import Settings
import Texts

/// The tensors of a model's folder or file: safetensors or a file of PyTorch's `torch.save`, one or
/// several with an index.
public struct WeightFile: Sendable {
  private var entries: [String: SafetensorsEntry] = [:]
  /// The file that names the tensors, for messages.
  public let place: String

  /// What the file says of itself.
  public private(set) var metadata: [String: String] = [:]

  /// The names of the tensors, sorted.
  public var names: [String] { entries.keys.sorted() }

  /// Reads one file.
  public init(_ path: String) throws(Failure) {
    place = path
    try add(path)
  }

  /// The names that weights have in a folder, the first that is there counts.
  private static let usual = [
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json",
  ]

  /// Whether a folder has weights under one of the usual names.
  public static func isIn(_ folder: String) -> Bool {
    usual.contains { FileSystem.exists("\(folder)/\($0)") }
  }

  /// Whether a path ends as files of weights do.
  public static func isWeights(_ path: String) -> Bool {
    [".safetensors", ".pth", ".pt", ".bin"].contains { path.lowercased().hasSuffix($0) }
  }

  /// Reads the weights of a folder; the single file wins over the index.
  public init(folder: String) throws(Failure) {
    guard let name = WeightFile.usual.first(where: { FileSystem.exists("\(folder)/\($0)") }) else {
      throw WeightFile.missing(in: folder)
    }
    let index = "\(folder)/\(name)"
    place = index
    guard name.hasSuffix(".index.json") else {
      try add(index)
      return
    }
    guard
      let members = try JSONNode(try FileSystem.read(index), at: index)["weight_map"]?.members
    else {
      throw Failure(
        .badData, at: index, "there is no 'weight_map'", expected: "tensors and their files")
    }
    var owners: [String: String] = [:]
    for member in members {
      let tensor = String(decoding: member.key, as: UTF8.self)
      guard let file = member.value.string, !file.contains("/"), file != ".." else {
        throw Failure(
          .badData, at: index, "the file of '\(tensor)' is no name of a file beside the index")
      }
      owners[tensor] = file
    }
    for file in Set(owners.values).sorted() {
      guard FileSystem.exists("\(folder)/\(file)") else {
        throw Failure(
          .noInput, at: "\(folder)/\(file)", "this part of the weights is missing",
          expected: "every file that \(index) names")
      }
      try add("\(folder)/\(file)")
    }
    if let lost = owners.keys.sorted().first(where: { entries[$0] == nil }) {
      throw Failure(
        .badData, at: index, "the tensor '\(lost)' is not in the file \(owners[lost] ?? "")")
    }
  }

  private mutating func add(_ path: String) throws(Failure) {
    let bytes = try FileSystem.read(path)
    if TorchCheckpoint.isCheckpoint(bytes) || WeightFile.isTorch(path) {
      for entry in try TorchCheckpoint(bytes, at: path).tensors { entries[entry.name] = entry }
      return
    }
    let file = try SafetensorsFile(bytes, at: path)
    metadata.merge(file.metadata) { $1 }
    for entry in file.tensors { entries[entry.name] = entry }
  }

  private static func isTorch(_ path: String) -> Bool {
    isWeights(path) && !path.lowercased().hasSuffix(".safetensors")
  }

  private static func missing(in folder: String) -> Failure {
    let others = ["tf_model.h5", "flax_model.msgpack", "onnx"]
    if let other = others.first(where: { FileSystem.exists("\(folder)/\($0)") }) {
      return Failure(
        .badData, at: "\(folder)/\(other)",
        "this folder holds its weights in a form that is not read",
        expected: "model.safetensors or pytorch_model.bin",
        remedy: "open it once with transformers: "
          + "AutoModel.from_pretrained(p).save_pretrained(p) writes model.safetensors")
    }
    return Failure(
      .noInput, at: folder, "there are no weights here",
      expected: "model.safetensors or pytorch_model.bin")
  }

  /// How many numbers all tensors have.
  public var elementCount: Int {
    entries.values.reduce(0) { $0 + $1.bytes.count / $1.element.size }
  }

  public func has(_ name: String) -> Bool { entries[name] != nil }
  /// A tensor as it lies in the file.
  subscript(name: String) -> SafetensorsEntry? { entries[name] }
  public func shape(of name: String) -> [Int]? { entries[name]?.shape }
  /// A tensor as the file has it.
  public func entry(_ name: String) -> SafetensorsEntry? { entries[name] }

  /// A tensor, widened or rounded to a dtype.
  public func tensor(_ name: String, dtype: DType) throws(Failure) -> Tensor {
    guard let entry = entries[name] else {
      throw Failure(.badData, at: place, "there is no tensor '\(name)'")
    }
    let tensor =
      dtype == .float32
      ? Tensor(try floats(entry, of: Float.self), shape: entry.shape)
      : Tensor(try floats(entry, of: Double.self), shape: entry.shape)
    let isFinite =
      switch dtype {
      case .float32: tensor.withElements(of: Float.self) { $0.allSatisfy(\.isFinite) }
      case .float64: tensor.withElements(of: Double.self) { $0.allSatisfy(\.isFinite) }
      }
    guard isFinite else {
      throw Failure(
        .badData, at: place, "the tensor '\(name)' holds numbers that are not finite",
        remedy: "the file is damaged, or the training that made it diverged")
    }
    return tensor
  }

  /// The elements of a tensor of whole numbers.
  public func integers(_ name: String) throws(Failure) -> [Int] {
    guard let entry = entries[name] else {
      throw Failure(.badData, at: place, "there is no tensor '\(name)'")
    }
    switch entry.element {
    case .int64: return entry.bytes.elements(of: Int64.self).map { Int($0) }
    case .int32: return entry.bytes.elements(of: Int32.self).map { Int($0) }
    default:
      throw Failure(
        .badData, at: place, "the tensor '\(name)' is of \(entry.element.rawValue)",
        expected: "I32 or I64")
    }
  }

  private func floats<S: Scalar>(_ entry: SafetensorsEntry, of _: S.Type) throws(Failure) -> [S] {
    switch entry.element {
    case .float64: return entry.bytes.elements(of: Double.self).map { S($0) }
    case .float32: return entry.bytes.elements(of: Float.self).map { S($0) }
    case .float16: return entry.bytes.elements(of: UInt16.self).map { S(widened(half: $0)) }
    case .bfloat16:
      return entry.bytes.elements(of: UInt16.self)
        .map { S(Float(bitPattern: UInt32($0) << 16)) }
    case .int8: return entry.bytes.map { S(Int8(bitPattern: $0)) }
    default:
      throw Failure(
        .badData, at: place,
        "the tensor '\(entry.name)' is of \(entry.element.rawValue)",
        expected: "F32, F16, BF16, F64 or I8")
    }
  }
}

/// A half-precision number, by its bits.
private func widened(half bits: UInt16) -> Float {
  let (sign, exponent, fraction) = (
    UInt32(bits & 0x8000) << 16, Int(bits >> 10 & 0x1F), UInt32(bits & 0x3FF)
  )
  if exponent == 0 {
    let value = Float(fraction) * 0x1p-24
    return sign == 0 ? value : -value
  }
  if exponent == 31 { return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13) }
  return Float(bitPattern: sign | UInt32(exponent - 15 + 127) << 23 | fraction << 13)
}

extension [UInt8] {
  /// The elements that these bytes are, least significant byte first.
  fileprivate func elements<T: BitwiseCopyable>(of _: T.Type) -> [T] {
    withUnsafeBytes { bytes in
      (0..<count / MemoryLayout<T>.size).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self)
      }
    }
  }
}
