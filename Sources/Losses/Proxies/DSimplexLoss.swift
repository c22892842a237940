import Autodiff
import Foundation
import Geometry
import Settings

/// Softmax classification by the corners of a regular simplex, which stay where they are.
///
/// With w_k the K unit vectors with products -1/(K - 1) and y the row's class, the mean over the rows
/// of
///
///     -log(exp(s x · w_y) / Σ_k exp(s x · w_k))
///
/// One class gives 0. The classifier is fixed, so models trained one after
/// the other, with K from the start, share one space.
///
/// The corners need K - 1 dimensions; the embedding's first K - 1 coordinates are used, and it must
/// have them. K is `classes`, or if that is 0 the number of classes at hand.
/// References that are no rows of the batch are further rows.
///
/// Defaults: s = 1, raw embeddings as published (`normalize: true` scales them to length 1; raw
/// embeddings of length 0 have a gradient), K = 0. O(batch × classes).
/// - Reference: Biondi et al., *CoReS: Compatible Representations via Stationarity* (TPAMI 2023).
public struct DSimplexLoss: ClassScoring {
  public var classes = 0
  public var scale = 1.0
  public var normalizes = false
  private var madeFor = 0

  public var labelUse: LabelUse { .numbers }

  public init() {}

  public static let summary = "softmax classification by the fixed corners of a simplex"
  public static let source =
    "Biondi et al., CoReS: Compatible Representations via Stationarity, TPAMI 2023"
  public static let settings = [
    Setting("classes", \Self.classes, "how many corners there are; 0 for the classes at hand"),
    Setting("scale", \Self.scale, "the sharpness s of the softmax", in: 1e-4...1e4),
    Setting("normalize", \Self.normalizes, "whether embeddings are scaled to length 1"),
  ]

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) { madeFor = classCount }

  private func corners(_ labels: [Int]) -> Int {
    classes > 0 ? classes : max(madeFor, 1, labels.classCount)
  }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
    let labels = input.labels + (input.reference?.labels ?? [])
    let count = corners(labels)
    guard count - 1 <= input.embeddings.shape[1] else {
      throw Failure(
        .badData, at: place, "the embeddings have \(input.embeddings.shape[1]) dimensions",
        expected: "\(count - 1) or more, for the corners of \(count) classes")
    }
    for label in labels where !(0..<count).contains(label) {
      throw Failure(
        .badData, at: place, "there is a label \(label)", expected: "0 to \(count - 1)")
    }
  }

  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let count = corners(input.labels)
    let x = input.embeddings.widened()
    let simplex = simplexCorners(count, dimension: x.shape[1])
    return (normalizes ? x.withUnitRows() : x).timesTransposed(simplex).reduced(
      by: ClassSoftmax(scale: scale),
      pairs: PairTable(rowLabels: input.labels, columnLabels: Array(0..<count)),
      weights: input.rowWeights, reducer: input.rowReducer
    ).narrowed(to: input.embeddings.dtype)
  }
}

extension DSimplexLoss {
  public func classScores(_ embeddings: Tensor) -> Tensor {
    let (count, dimension) = (classes > 0 ? classes : madeFor, embeddings.shape[1])
    guard count > 0, count - 1 <= dimension else {
      return Tensor(zeros: [embeddings.shape[0], 0], dtype: .float64)
    }
    return embeddings.detached.widened()
      .timesTransposed(simplexCorners(count, dimension: dimension))
  }
}

/// `count` unit vectors with equal products, padded with zeros to a dimension.
func simplexCorners(_ count: Int, dimension: Int) -> Tensor {
  let n = count - 1
  guard n > 0 else { return Tensor(zeros: [count, dimension], dtype: .float64) }
  // The unit vectors and the point as far from each of them as they are from each other.
  var rows = (0..<n).map { i in (0..<n).map { $0 == i ? 1.0 : 0 } }
  rows.append([Double](repeating: (1 - Double(count).squareRoot()) / Double(n), count: n))
  let center = (0..<n).map { k in rows.reduce(0) { $0 + $1[k] } / Double(count) }
  var values = [Double](repeating: 0, count: count * dimension)
  for (i, row) in rows.enumerated() {
    for k in 0..<n { values[i * dimension + k] = row[k] - center[k] }
  }
  return Tensor(values, shape: [count, dimension]).withUnitRows()
}
