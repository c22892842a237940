import Autodiff
import Geometry
import Settings

/// How far two vectors are from each other, for embeddings that are to become a teacher's.
public enum DistillationDistance: String, Sendable, CaseIterable {
  case meanSquare = "mse"
  case length = "l2"
  case cosine
}

/// The embeddings of a batch themselves as a teacher has them.
///
/// With x a row and t the teacher's, over B rows of d numbers:
///
///     mse      1/(B d) Σ ‖x - t‖²
///     l2       1/B Σ ‖x - t‖
///     cosine   1/B Σ (1 - cos(x, t))
///
/// The teacher takes no gradient and has the batch's dimension; a wider one is reduced before, as by
/// `teacher: { path: …, components: … }` of a recipe. Labels and tuples do not matter, and a
/// reference set has no meaning, since the teacher gives nothing for it. Equal rows send no gradient
/// by l2, rows of zeros have cosine 0 and send none by cosine. O(batch × dimension).
///
/// Default: mse.
/// - Reference: Reimers and Gurevych, *Making Monolingual Sentence Embeddings Multilingual using
///   Knowledge Distillation* (EMNLP 2020).
public struct EmbeddingDistillationLoss: Loss {
  public var distance = DistillationDistance.meanSquare

  public init() {}

  public static let summary = "the embeddings themselves as a teacher has them"
  public static let source =
    "Reimers and Gurevych, Making Monolingual Sentence Embeddings Multilingual using Knowledge "
    + "Distillation, EMNLP 2020"
  public static let settings = [
    Setting("distance", \Self.distance, "how far a row is from the teacher's")
  ]

  public var teacherUse: TeacherUse { .ownDimension }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
    try input.validateNoReference(at: place)
    try input.validateTeacher(hasOwnDimension: true, at: place)
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    guard let teacher = input.teacher else {
      preconditionFailure("EmbeddingDistillationLoss: there is no teacher")
    }
    let x = input.embeddings.widened()
    let (rows, columns) = (x.shape[0], x.shape[1])
    let (own, wanted) = (x.elements(as: Double.self), teacher.elements(as: Double.self))
    var slopes = [Double](repeating: 0, count: own.count)
    var (total, active) = (0.0, 0)
    for row in 0..<rows {
      let range = row * columns..<(row + 1) * columns
      let cost = cost(own[range], wanted[range], &slopes[range])
      total += cost
      active += cost > 0 ? 1 : 0
    }
    let count = Double(max(1, distance == .meanSquare ? rows * columns : rows))
    let slope = Tensor(slopes.map { $0 / count }, shape: x.shape)
    let value = Tensor(total / count, dtype: .float64).recorded(
      "embedding distillation", x.edge { slope.scaled(by: $0.item) })
    return LossOutput(value: value, active: Double(active) / Double(max(1, rows)))
      .narrowed(to: input.embeddings.dtype)
  }

  /// What one row costs, and the derivative with respect to it.
  private func cost(
    _ x: ArraySlice<Double>, _ t: ArraySlice<Double>, _ slope: inout ArraySlice<Double>
  ) -> Double {
    switch distance {
    case .meanSquare, .length:
      let square = zip(x, t).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let length = square.squareRoot()
      let factor = distance == .meanSquare ? 2 : length > 0 ? 1 / length : 0
      for i in slope.indices { slope[i] = factor * (x[i] - t[i]) }
      return distance == .meanSquare ? square : length
    case .cosine:
      let own = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let other = t.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard own > 0, other > 0 else { return 1 }
      let cosine = zip(x, t).reduce(0) { $0 + $1.0 / own * ($1.1 / other) }
      for i in slope.indices { slope[i] = (cosine * x[i] / own - t[i] / other) / own }
      return 1 - cosine
    }
  }
}
