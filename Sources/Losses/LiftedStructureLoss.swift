import Autodiff
import Miners
import Settings

/// Each positive pair against the negatives of both its rows.
///
/// With d the distance, the mean over the positive pairs (a, p) of
///
///     1/2 [log(Σ_{N(a)} exp(m₋ - d) + Σ_{N(p)} exp(m₋ - d)) + d_ap - m₊]₊²
///
/// With a similarity the differences change sign. A batch without a positive or without a negative
/// pair gives 0. A pair that tuples repeat counts each time. With a reference set the negatives are
/// those of the anchor, because a reference is no anchor.
///
/// Defaults: m₊ = 0, m₋ = 1, Euclidean distance of normalised embeddings. O(batch²) time and
/// memory: the sum over each row's negatives is found once.
/// - Reference: Song et al., *Deep Metric Learning via Lifted Structured Feature Embedding*
///   (CVPR 2016).
public struct LiftedStructureLoss: Loss, Measuring {
  public var positiveMargin, negativeMargin: Double
  public var distance: Distance

  public init(positiveMargin: Double, negativeMargin: Double, distance: Distance = .euclidean) {
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
    self.distance = distance
  }
  public init() { self.init(positiveMargin: 0, negativeMargin: 1) }

  public static let summary = "each positive pair against the negatives of both its rows"
  public static let source =
    "Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016"
  public static var settings: [Setting<Self>] {
    [
      Setting("positiveMargin", \Self.positiveMargin, "how far apart positives may be"),
      Setting("negativeMargin", \Self.negativeMargin, "how far apart negatives should be"),
    ] + distanceSettings
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let all = input.pairs
    let pairs = all.hasBothKinds ? all : all.ignored
    let matrix = distance.matrix(input.embeddings, input.reference?.embeddings)
    let rows = LiftedRows(
      matrix: matrix.detached, pairs: pairs, sign: distance.sign, positiveMargin: positiveMargin,
      negativeMargin: negativeMargin, liftsBoth: input.reference == nil)
    return matrix.reduced(by: rows, pairs: pairs)
  }
}

/// The rows, once the sum over each row's negatives is known.
private struct LiftedRows: RowFunction {
  let sign, positiveMargin, negativeMargin: Double
  let liftsBoth: Bool
  /// log Σ exp(m₋ - d) over each row's negatives, -∞ without any.
  private var sums: [Double] = []
  /// The derivative of the loss in each of these.
  private var slopes: [Double] = []

  init(
    matrix: Tensor, pairs: PairTable, sign: Double, positiveMargin: Double,
    negativeMargin: Double, liftsBoth: Bool
  ) {
    (self.sign, self.liftsBoth) = (sign, liftsBoth)
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
    sums = [Double](repeating: -.infinity, count: pairs.rows)
    slopes = [Double](repeating: 0, count: pairs.rows)
    switch matrix.dtype {
    case .float32: prepare(matrix, pairs, Float.self)
    case .float64: prepare(matrix, pairs, Double.self)
    }
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private mutating func prepare<S: Scalar>(_ matrix: Tensor, _ pairs: PairTable, _: S.Type) {
    let columns = pairs.columns
    matrix.withElements(of: S.self) { values in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
        for i in 0..<pairs.rows {
          pairs.fill(kinds, row: i)
          var (peak, sum) = (-Double.infinity, 0.0)
          for j in 0..<columns where kinds[j] < 0 {
            peak = max(peak, sign * (negativeMargin - Double(values[i * columns + j])))
          }
          for j in 0..<columns where kinds[j] < 0 {
            let exponent = S(sign * (negativeMargin - Double(values[i * columns + j])) - peak)
            sum += Double(-kinds[j]) * Double(S.exp(exponent))
          }
          if sum > 0 { sums[i] = peak + Double.log(sum) }
        }
        for i in 0..<pairs.rows {
          pairs.fill(kinds, row: i)
          for j in 0..<columns where kinds[j] > 0 {
            let (cost, total) = violation(Double(values[i * columns + j]), i, j)
            guard cost > 0, total > -.infinity else { continue }
            slopes[i] += Double(kinds[j]) * cost * Double.exp(sums[i] - total)
            if liftsBoth { slopes[j] += Double(kinds[j]) * cost * Double.exp(sums[j] - total) }
          }
        }
      }
    }
  }

  /// The hinge of a positive pair, and the sum over the negatives of both rows.
  private func violation(_ value: Double, _ i: Int, _ j: Int) -> (hinge: Double, total: Double) {
    let other = liftsBoth ? sums[j] : -.infinity
    let peak = max(sums[i], other)
    let total =
      peak > -.infinity
      ? peak + Double.log(Double.exp(sums[i] - peak) + Double.exp(other - peak)) : -.infinity
    let lifted = total > -.infinity ? total : 0
    return (max(0, lifted + sign * (value - positiveMargin)), total)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (own, slope) = (self.sums[row.index], slopes[row.index])
    for j in row.indices where row.kinds[j] != 0 {
      if row.kinds[j] > 0 {
        let (hinge, _) = violation(Double(row.values[j]), row.index, j)
        sums.terms.add(hinge * hinge / 2, times: Int(row.kinds[j]))
        row.derivatives[j] = S(sign * hinge) * S(row.kinds[j])
      } else {
        let share = S.exp(S(sign * (negativeMargin - Double(row.values[j])) - own))
        row.derivatives[j] = S(sign * slope) * share * S(row.kinds[j])
      }
    }
  }
}
