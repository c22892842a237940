import Autodiff
import Files
import Index
import Settings
import Training

/// The embeddings of `--embeddings` and the classes of `--labels`.
struct LabelledMatrix {
  private(set) var embeddings: Tensor
  /// A number for each class: the label itself where all are numbers from 0 to 2³¹ − 1, else its
  /// place among all classes.
  private(set) var labels: [Int]
  /// What the classes are called by their numbers; empty where labels are their own numbers.
  private(set) var classNames: [String] = []
  private let given: GivenLabels
  private let labelPath: String

  /// - Parameter labelsAreOptional: whether each item is a class of its own without `--labels`.
  init(_ arguments: Arguments, labelsAreOptional: Bool = false) throws(Failure) {
    var dtype: DType?
    if arguments.has("--dtype") { dtype = try arguments.word("--dtype", default: DType.float32) }
    if labelsAreOptional, !arguments.has("--labels") {
      let embeddings = try readMatrix(try Self.path(arguments), dtype: dtype)
      self.init(embeddings: embeddings, labels: Array(0..<embeddings.shape[0]))
      return
    }
    try self.init(
      embeddings: try Self.path(arguments),
      labels: try arguments.required("--labels"),
      dtype: dtype)
  }

  /// A single column of `--columns` is a batch like any other.
  private static func path(_ arguments: Arguments) throws(Failure) -> String {
    if let column = arguments.value("--columns") { return column }
    return try arguments.required("--embeddings")
  }

  private init(embeddings: Tensor, labels: [Int]) {
    (self.embeddings, self.labels) = (embeddings, labels)
    (given, labelPath) = (GivenLabels(.integers(labels)), "--labels")
  }

  init(embeddings path: String, labels labelPath: String, dtype: DType? = nil) throws(Failure) {
    embeddings = try readMatrix(path, dtype: dtype)
    let given = try GivenLabels.read(labelPath, count: embeddings.shape[0])
    guard given.count == embeddings.shape[0] else {
      throw Failure(
        .badData, at: labelPath, "there are \(given.count) labels",
        expected: "\(embeddings.shape[0]), one for each row of \(path)")
    }
    (self.given, self.labelPath) = (given, labelPath)
    let (numbers, names) = LabelledMatrix.numbers([given])
    (labels, classNames) = (numbers[0], names)
  }

  /// Gives equal labels of both matrices equal numbers.
  mutating func align(with other: inout LabelledMatrix) {
    let (numbers, names) = LabelledMatrix.numbers([given, other.given])
    (labels, other.labels) = (numbers[0], numbers[1])
    (classNames, other.classNames) = (names, names)
  }

  /// Brings both matrices to float64 if one of them is: float32 might not hold its numbers.
  mutating func matchPrecision(of other: inout LabelledMatrix) {
    guard embeddings.dtype != other.embeddings.dtype else { return }
    embeddings = embeddings.converted(to: .float64)
    other.embeddings = other.embeddings.converted(to: .float64)
  }

  /// Fails unless labels are numbers of classes from 0, as rows of weights are counted.
  func checkAreNumbers() throws(Failure) {
    guard !classNames.isEmpty else { return }
    let odd = (0..<given.count).first { Int(given.name(of: $0)).map { $0 < 0 } ?? true }
    throw Failure(
      .badData, at: labelPath, "a label is '\(given.name(of: odd ?? 0))'",
      expected: "classes numbered from 0, as the rows of --weights are",
      remedy: "save np.unique(labels, return_inverse=True)[1], or leave --weights out")
  }

  private static func numbers(_ lists: [GivenLabels]) -> ([[Int]], names: [String]) {
    let plain = lists.compactMap { list -> [Int]? in
      guard case .integers(let values) = list.values,
        values.allSatisfy({ (0...Int(Int32.max)).contains($0) })
      else { return nil }
      return values
    }
    return plain.count == lists.count ? (plain, []) : GivenLabels.numbered(lists)
  }
}

/// A matrix without NaN or infinity, of an .npy file or another format of vectors.
///
/// - Parameter dtype: what to convert to; nil keeps float64 and makes all else float32.
func readMatrix(_ path: String, dtype: DType? = nil) throws(Failure) -> Tensor {
  try decodedVectors(try readVectors(path, dtype: dtype), of: path)
}
