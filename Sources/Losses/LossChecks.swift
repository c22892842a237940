import Autodiff
import Geometry
import Miners
import Settings

/// The rows of the gradient table for a loss, made from nothing but the loss.
///
/// Batches of several sizes and uneven classes, with all tuples and with mined ones, compared with
/// themselves and with reference sets; the gradient in the embeddings, in those of the references
/// and in every parameter, against central differences in float64.
///
/// - Parameter reducer: how the terms become one number; nil for the loss's own way.
public func gradientChecks(
  for named: Named<any Loss>, reducer: (any Reducer)? = nil
) -> [GradientCheck] {
  gradientChecks(for: LossTerm(name: named.name, loss: named.value, reducer: reducer))
}

/// The rows of the gradient table for a modifier: the same, around a loss over pairs and around
/// classifiers with one center and with several centers for each class.
public func gradientChecks(for modifier: Named<any Modifier>) -> [GradientCheck] {
  LossTerm.modified(by: modifier).flatMap { gradientChecks(for: $0) }
}

private func gradientChecks(for term: LossTerm) -> [GradientCheck] {
  CheckBatch.all.compactMap { batch in
    let input = batch.input(dtype: .float64).fitting(term.loss)
    let prepared = batch.prepared(term, dtype: .float64)
    guard (try? prepared.validate(input, at: term.name)) != nil else { return nil }
    let held = prepared.holdingWeights(of: input)
    let references = input.reference.map { [$0.embeddings] } ?? []
    let point = [input.embeddings] + references + held.parameters.map(\.value)
    return GradientCheck("\(term.name), \(batch.name)", at: point) { point in
      var (term, input) = (held, input)
      input.embeddings = point[0]
      if !references.isEmpty { input.reference?.embeddings = point[1] }
      term.setParameters(Array(point.dropFirst(1 + references.count)))
      return term(input).value
    }
  }
}

extension LossTerm {
  /// Losses of several kinds with a modifier around them.
  fileprivate static func modified(by modifier: Named<any Modifier>) -> [LossTerm] {
    var centers = SoftTripleLoss()
    centers.proxiesPerClass = 3
    let bases: [Named<any Loss>] = [
      Named("multi-similarity", MultiSimilarityLoss()), Named("contrastive", ContrastiveLoss()),
      Named("normalized-softmax", NormalizedSoftmaxLoss()), Named("soft-triple", centers),
    ]
    return bases.map {
      LossTerm(name: "\(modifier.name) of \($0.name)", loss: $0.value, modifiers: [modifier])
    }
  }
}

/// How far the float32 loss of a batch, and its gradient, are from the float64 ones.
public struct PrecisionCheck: Sendable {
  public let name: String
  /// The largest error of the value, relative to the value or 1, and of the gradient, relative to
  /// its largest element or 1.
  public let valueError, gradientError: Double
  public let tolerance: Double
  public var passes: Bool { valueError <= tolerance && gradientError <= tolerance }
}

/// Compares a loss in float32 with itself in float64.
public func precisionChecks(for named: Named<any Loss>) -> [PrecisionCheck] {
  precisionChecks(for: LossTerm(name: named.name, loss: named.value))
}

/// Compares a modifier of several losses in float32 with itself in float64.
public func precisionChecks(for modifier: Named<any Modifier>) -> [PrecisionCheck] {
  LossTerm.modified(by: modifier).flatMap { precisionChecks(for: $0) }
}

private func precisionChecks(for term: LossTerm) -> [PrecisionCheck] {
  CheckBatch.all.compactMap { batch in
    // Both start from the same float32 numbers.
    let single = batch.input(dtype: .float32).fitting(term.loss)
    var double = single
    double.embeddings = single.embeddings.converted(to: .float64)
    if let reference = single.reference {
      double.reference?.embeddings = reference.embeddings.converted(to: .float64)
    }
    double.teacher = single.teacher?.converted(to: .float64)
    let loss = batch.prepared(term, dtype: .float32)
    var exact = loss
    exact.setParameters(loss.parameters.map { $0.value.converted(to: .float64) })
    guard (try? loss.validate(single, at: term.name)) != nil else { return nil }
    let (value, gradient) = loss.valueWithGradients(single)
    let (exactValue, exactGradient) = exact.valueWithGradients(double)
    var gradientError = 0.0
    for (a, b) in zip(gradient, exactGradient) {
      let (a, b) = (a.elements(as: Double.self), b.elements(as: Double.self))
      let scale = b.reduce(1) { max($0, abs($1)) }
      gradientError = zip(a, b).reduce(gradientError) { max($0, abs($1.0 - $1.1) / scale) }
    }
    let valueError = abs(value - exactValue) / max(1, abs(exactValue))
    return PrecisionCheck(
      name: "\(term.name), \(batch.name)",
      valueError: valueError.isFinite ? valueError : .infinity,
      gradientError: gradientError.isFinite ? gradientError : .infinity, tolerance: 1e-3)
  }
}

extension Loss {
  /// The loss of a batch, and its gradient in the embeddings and then in each parameter.
  public func valueWithGradients(
    _ input: LossInput, relevance: Relevance? = nil
  ) -> (value: Double, gradients: [Tensor]) {
    let (value, gradient) = valueWithGradient(
      at: [input.embeddings] + parameters.map(\.value)
    ) { point in
      var (loss, input) = (self, input)
      input.embeddings = point[0]
      loss.setParameters(Array(point.dropFirst()))
      return relevance.map { loss(input, relevance: $0).value } ?? loss(input).value
    }
    return (value.item, gradient)
  }
}

extension Parameterized {
  /// Replaces the parameters, in their order.
  public mutating func setParameters(_ values: [Tensor]) {
    var next = values.makeIterator()
    updateParameters { name, parameter in
      guard let value = next.next() else {
        preconditionFailure("setParameters: there is no value for \(name)")
      }
      parameter = value
    }
  }
}

/// A batch to check losses with.
private struct CheckBatch: Sendable {
  let name: String
  let labels: [Int]
  let dimension: Int
  let miner: (any Miner)?
  var referenceLabels: [Int]?
  /// Where the rows are among the references.
  var places: [Int?] = []

  static let all = [
    CheckBatch(
      name: "even classes", labels: [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], dimension: 6, miner: nil),
    CheckBatch(
      name: "uneven classes", labels: [0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 3], dimension: 5, miner: nil),
    CheckBatch(
      name: "pairs", labels: [0, 0, 1, 1, 2, 2, 3, 4], dimension: 16, miner: nil),
    CheckBatch(
      name: "mined pairs", labels: [0, 1, 2, 0, 1, 2, 0, 1, 2, 2], dimension: 4,
      miner: MultiSimilarityMiner()),
    CheckBatch(
      name: "mined triplets", labels: [0, 1, 2, 0, 1, 2, 0, 1, 2, 2], dimension: 4,
      miner: BatchHardMiner()),
    CheckBatch(
      name: "reference set", labels: [0, 1, 2, 0, 1], dimension: 4, miner: nil,
      referenceLabels: [0, 0, 1, 1, 2, 2, 3, 3]),
    CheckBatch(
      name: "mined reference set", labels: [0, 1, 2, 0, 1], dimension: 4, miner: BatchHardMiner(),
      referenceLabels: [0, 0, 1, 1, 2, 2, 3]),
    CheckBatch(
      name: "memory", labels: [0, 1, 2, 0], dimension: 4, miner: nil,
      referenceLabels: [2, 0, 1, 1, 2, 0, 3], places: [1, 3, 4, nil]),
  ]

  func prepared(_ term: LossTerm, dtype: DType) -> LossTerm {
    var term = term
    term.makeParameters(
      classCount: ((labels + (referenceLabels ?? [])).max() ?? 0) + 1, dimension: dimension,
      dtype: dtype, random: Random(seed: 3))
    return term
  }

  func input(dtype: DType) -> LossInput {
    var random = Random(seed: 5)
    let embeddings = Tensor(
      normal: [labels.count, dimension], deviation: 1, dtype: dtype, random: &random)
    let reference = referenceLabels.map {
      ReferenceSet(
        embeddings: Tensor(
          normal: [$0.count, dimension], deviation: 1, dtype: dtype, random: &random), labels: $0,
        places: places)
    }
    let tuples = miner?.mine(
      embeddings, labels: labels, reference: reference, random: Random(seed: 1))
    return LossInput(
      embeddings: embeddings, labels: labels, tuples: tuples, reference: reference,
      teacher: Tensor(
        normal: [labels.count, dimension + 2], deviation: 1, dtype: dtype, random: &random))
  }
}

extension LossInput {
  /// This input with a teacher of the dimension that a loss asks for.
  package func fitting(_ loss: any Loss) -> LossInput {
    guard loss.teacherUse == .ownDimension else { return self }
    var input = self
    input.teacher = teacher?.columns(0..<embeddings.shape[1])
    return input
  }
}
