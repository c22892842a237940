import Autodiff
import Files
import Settings

/// Reads vectors from a file of any known format, by the ending of its name.
///
/// Of `.npz` and `.safetensors` files the array named `vectors`, `embeddings` or `arr_0` is taken,
/// else the only matrix; `FILE#NAME` names another. Small integers and halves become float32.
///
/// - Parameter dtype: what to convert to; nil keeps float64, which text and large integers are read as,
///   and makes all else float32.
/// - Throws: unless all numbers are finite.
public func readVectors(_ path: String, dtype: DType? = nil) throws(Failure) -> Tensor {
  let vectors = try storedVectors(path)
  switch dtype {
  case .float32: return try vectors.checkedVectors(name: path)
  case .float64: return vectors.converted(to: .float64)
  case nil: return vectors
  }
}

/// Whether a file of this name is read by ``readVectors(_:dtype:)``.
public func isVectorFile(_ path: String) -> Bool {
  let endings = [
    "npy", "npz", "fvecs", "ivecs", "bvecs", "fbin", "u8bin", "csv", "tsv", "jsonl", "safetensors",
  ]
  let file = named(path).file.lowercased()
  return endings.contains { file.hasSuffix("." + $0) }
}

/// The file and the name of an array in it, of `FILE#NAME`.
private func named(_ path: String) -> (file: String, name: String?) {
  guard !FileSystem.exists(path), let mark = path.lastIndex(of: "#") else { return (path, nil) }
  let file = String(path[..<mark])
  guard [".npz", ".safetensors"].contains(where: { file.lowercased().hasSuffix($0) }) else {
    return (path, nil)
  }
  return (file, String(path[path.index(after: mark)...]))
}

private func storedVectors(_ path: String) throws(Failure) -> Tensor {
  let (path, array) = named(path)
  let name = path.lowercased()
  func ends(_ ending: String) -> Bool { name.hasSuffix("." + ending) }
  let vectors: Tensor
  if ends("npz") {
    return try archived(path, array)
  } else if ends("fvecs") || ends("ivecs") {
    vectors = try PlainVectors.readRowByRow(
      try FileSystem.read(path), at: path, size: 4, isWhole: ends("ivecs"))
  } else if ends("bvecs") {
    vectors = try PlainVectors.readRowByRow(
      try FileSystem.read(path), at: path, size: 1, isWhole: true)
  } else if ends("fbin") || ends("u8bin") {
    vectors = try PlainVectors.readWithHeader(
      try FileSystem.read(path), at: path, size: ends("fbin") ? 4 : 1)
  } else if ends("csv") || ends("tsv") {
    vectors = try TextVectors.read(try FileSystem.read(path), at: path)
  } else if ends("jsonl") {
    vectors = try TextVectors.readJSONLines(try FileSystem.readText(path), at: path)
  } else if ends("safetensors") {
    let file = try SafetensorsFile.read(path)
    if file.metadata["quantization"] != nil, array == nil {
      vectors = try QuantizedVectors.read(file, at: path)
    } else {
      let entry = try chosen(
        file.tensors.map { ($0.name, isMatrix: $0.shape.count == 2, $0) }, array, at: path)
      vectors = try entry.tensor(at: path)
      try checkIsMatrix(vectors.shape, at: "\(path): tensor '\(entry.name)'")
    }
  } else {
    return try matrix(try NumPyArray.read(path), at: path)
  }
  // Bytes and text may hold what is no number.
  try vectors.checkRows(name: path)
  return vectors
}

/// An array of an `.npz` file; only the headers of the others are looked at.
private func archived(_ path: String, _ name: String?) throws(Failure) -> Tensor {
  let archive = try ZipDirectory.read(path)
  let members = archive.members.filter { $0.name.hasSuffix(".npy") }
  func plain(_ member: ZipDirectory.Member) -> String { String(member.name.dropLast(4)) }
  let usual = members.first { vectorNames.contains(plain($0)) }
  if name == nil, let usual {
    return try matrix(NumPyArray(bytes: try archive.bytes(of: usual), at: path), at: path)
  }
  var arrays: [(String, isMatrix: Bool, NumPyArray)] = []
  for member in members where name == nil || plain(member) == name {
    let place = "\(path): '\(plain(member))'"
    let array = try NumPyArray(bytes: try archive.bytes(of: member), at: place)
    arrays.append((plain(member), array.shape.count == 2, array))
  }
  if name != nil, arrays.isEmpty {
    throw Failure(
      .badData, at: path, "there is no array '\(name ?? "")'",
      remedy: suggestion(for: name ?? "", among: members.map(plain)))
  }
  return try matrix(try chosen(arrays, name, at: path), at: path)
}

private let vectorNames = ["vectors", "embeddings", "arr_0"]

/// The array that holds the vectors: the one asked for, one of a usual name, or the only matrix.
private func chosen<T>(
  _ arrays: [(name: String, isMatrix: Bool, value: T)], _ name: String?, at path: String
) throws(Failure) -> T {
  if let name {
    if let found = arrays.first(where: { $0.name == name }) { return found.value }
    throw Failure(
      .badData, at: path, "there is no array '\(name)'",
      remedy: suggestion(for: name, among: arrays.map(\.name)))
  }
  for usual in vectorNames {
    if let found = arrays.first(where: { $0.name == usual }) { return found.value }
  }
  let matrices = arrays.filter(\.isMatrix)
  if matrices.count == 1 { return matrices[0].value }
  let names = (matrices.isEmpty ? arrays : matrices).prefix(8).map { "'\($0.name)'" }
  throw Failure(
    .badData, at: path,
    arrays.isEmpty
      ? "there is no array"
      : "there are \(matrices.count) matrices among " + names.joined(separator: ", "),
    expected: "one, or one named vectors, embeddings or arr_0",
    remedy: "name it, as in \(path)#\(matrices.first?.name ?? "embeddings")")
}

private func checkIsMatrix(_ shape: [Int], at place: String) throws(Failure) {
  guard shape.count == 2, shape[1] > 0 else {
    throw Failure(
      .badData, at: place, "the shape is \(shape)", expected: "a matrix with a row for each item")
  }
}

private func matrix(_ array: NumPyArray, at path: String) throws(Failure) -> Tensor {
  if array.needsDouble {
    let (rows, columns, values) = try array.matrix(at: path, as: Double.self)
    return Tensor(values, shape: [rows, columns])
  }
  let (rows, columns, values) = try array.matrix(at: path, as: Float.self)
  return Tensor(values, shape: [rows, columns])
}

extension NumPyArray {
  /// Whether float32 would not hold the numbers as they are: float64, and large integers.
  fileprivate var needsDouble: Bool {
    let most = 1 << 24
    return switch elements {
    case .float64: true
    case .int32(let values): values.contains { abs(Int($0)) > most }
    case .int64(let values): values.contains { $0.magnitude > UInt64(most) }
    case .uint64(let values): values.contains { $0 > UInt64(most) }
    case .float32, .text: false
    }
  }
}
