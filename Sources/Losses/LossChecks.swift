import Autodiff
import Miners
import Settings

/// The rows of the gradient table for a loss, made from nothing but the loss.
///
/// Batches of several sizes and uneven classes, with all tuples and with mined ones, compared with
/// themselves and with reference sets; the gradient in the embeddings, in those of the references
/// and in every parameter, against central differences in float64.
public func gradientChecks(for named: Named<any Loss>) -> [GradientCheck] {
  CheckBatch.all.compactMap { batch in
    let input = batch.input(dtype: .float64)
    let prepared = batch.prepared(named.value, dtype: .float64)
    guard (try? prepared.validate(input, at: named.name)) != nil else { return nil }
    let loss = prepared.holdingWeights(of: input)
    let references = input.reference.map { [$0.embeddings] } ?? []
    let point = [input.embeddings] + references + loss.parameters.map(\.value)
    return GradientCheck("\(named.name), \(batch.name)", at: point) { point in
      var (loss, input) = (loss, input)
      input.embeddings = point[0]
      if !references.isEmpty { input.reference?.embeddings = point[1] }
      loss.setParameters(Array(point.dropFirst(1 + references.count)))
      return loss(input).value
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
  CheckBatch.all.compactMap { batch in
    // Both start from the same float32 numbers.
    let single = batch.input(dtype: .float32)
    var double = single
    double.embeddings = single.embeddings.converted(to: .float64)
    if let reference = single.reference {
      double.reference?.embeddings = reference.embeddings.converted(to: .float64)
    }
    double.teacher = single.teacher?.converted(to: .float64)
    let loss = batch.prepared(named.value, dtype: .float32)
    var exact = loss
    exact.setParameters(loss.parameters.map { $0.value.converted(to: .float64) })
    guard (try? loss.validate(single, at: named.name)) != nil else { return nil }
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
      name: "\(named.name), \(batch.name)",
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

  func prepared(_ loss: any Loss, dtype: DType) -> any Loss {
    var loss = loss
    loss.makeParameters(
      classCount: ((labels + (referenceLabels ?? [])).max() ?? 0) + 1, dimension: dimension,
      dtype: dtype, random: Random(seed: 3))
    return loss
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
