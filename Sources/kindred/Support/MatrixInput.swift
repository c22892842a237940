import Autodiff
import Files
import Index
import Settings
import Training

/// The embeddings of `--embeddings` and the classes of `--labels`.
struct LabelledMatrix {
  let embeddings: Tensor
  let labels: [Int]

  /// - Parameter labelsAreOptional: whether each item is a class of its own without `--labels`.
  init(_ arguments: Arguments, labelsAreOptional: Bool = false) throws(Failure) {
    var dtype: DType?
    if arguments.has("--dtype") { dtype = try arguments.word("--dtype", default: DType.float32) }
    if labelsAreOptional, !arguments.has("--labels") {
      let embeddings = try readMatrix(try arguments.required("--embeddings"), dtype: dtype)
      self.init(embeddings: embeddings, labels: Array(0..<embeddings.shape[0]))
      return
    }
    try self.init(
      embeddings: try arguments.required("--embeddings"),
      labels: try arguments.required("--labels"),
      dtype: dtype)
  }

  private init(embeddings: Tensor, labels: [Int]) {
    (self.embeddings, self.labels) = (embeddings, labels)
  }

  init(embeddings path: String, labels labelPath: String, dtype: DType? = nil) throws(Failure) {
    embeddings = try readMatrix(path, dtype: dtype)
    labels = try NumPyArray.read(labelPath).labels(at: labelPath)
    guard labels.count == embeddings.shape[0] else {
      throw Failure(
        .badData, at: labelPath, "there are \(labels.count) labels",
        expected: "\(embeddings.shape[0]), one for each row of \(path)")
    }
    if let negative = labels.first(where: { $0 < 0 }) {
      throw Failure(.badData, at: labelPath, "a label is \(negative)", expected: "0 or more")
    }
  }
}

/// A matrix without NaN or infinity, of an .npy file or another format of vectors.
///
/// - Parameter dtype: what to convert to; nil keeps float64 and makes all else float32.
func readMatrix(_ path: String, dtype: DType? = nil) throws(Failure) -> Tensor {
  try readVectors(path, dtype: dtype)
}
