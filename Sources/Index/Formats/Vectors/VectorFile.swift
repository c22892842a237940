import Autodiff
import Files
import Settings

/// Reads vectors from a file of any known format, by the ending of its name.
///
/// - Parameter dtype: what to convert to; nil keeps float64 and makes all else float32.
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
  return endings.contains { path.lowercased().hasSuffix("." + $0) }
}

private func storedVectors(_ path: String) throws(Failure) -> Tensor {
  let name = path.lowercased()
  func ends(_ ending: String) -> Bool { name.hasSuffix("." + ending) }
  let vectors: Tensor
  if ends("npz") {
    let archive = try ZipArchive(try FileSystem.read(path), at: path)
    let names = ["vectors.npy", "embeddings.npy", "arr_0.npy"]
    guard let member = archive.members.first(where: { names.contains($0.name) }) else {
      throw Failure(
        .badData, at: path, "there is no array of vectors",
        expected: "one named vectors, embeddings or arr_0")
    }
    vectors = try matrix(try NumPyArray(bytes: member.bytes, at: path), at: path)
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
    vectors = try TextVectors.read(
      try FileSystem.readText(path), separator: ends("csv") ? "," : "\t", at: path)
  } else if ends("jsonl") {
    vectors = try TextVectors.readJSONLines(try FileSystem.readText(path), at: path)
  } else if ends("safetensors") {
    let file = try SafetensorsFile.read(path)
    vectors =
      file.metadata["quantization"] == nil
      ? try file.tensor("embeddings", at: path) : try QuantizedVectors.read(file, at: path)
  } else {
    return try matrix(try NumPyArray.read(path), at: path)
  }
  // Bytes and text may hold what is no number.
  _ = try vectors.checkedVectors(name: path)
  return vectors
}

private func matrix(_ array: NumPyArray, at path: String) throws(Failure) -> Tensor {
  if case .float64 = array.elements {
    let (rows, columns, values) = try array.matrix(at: path, as: Double.self)
    return Tensor(values, shape: [rows, columns])
  }
  let (rows, columns, values) = try array.matrix(at: path, as: Float.self)
  return Tensor(values, shape: [rows, columns])
}
