import Autodiff
import Geometry
import Settings

/// One similarity threshold for all classes: only pairs on the wrong side of it count.
///
/// With s the cosine, and an empty mean 0:
///
///     λ₊ mean_{P, s ≤ m₊} (m₊ - s) + λ₋ mean_{N, s ≥ m₋} (s - m₋)
///
/// Made to be added to another loss: list it as a second term of a recipe. A pair that tuples
/// repeat counts each time. Looks at the reference set, which pytorch-metric-learning ignores.
///
/// One class leaves the positive part, distinct classes the negative part; rows of zeros have cosine
/// 0 to all and take no gradient.
///
/// Defaults: λ₊ = λ₋ = 1, m₊ = 0.9, m₋ = 0.5. O(batch²).
/// - Reference: Zhang et al., *Threshold-Consistent Margin Loss for Open-World Deep Metric
///   Learning* (ICLR 2024).
public struct ThresholdConsistentMarginLoss: PairwiseLoss {
  public var positiveWeight, negativeWeight, positiveMargin, negativeMargin: Double
  public let distance = Distance.cosine

  public init(
    positiveWeight: Double, negativeWeight: Double, positiveMargin: Double, negativeMargin: Double
  ) {
    (self.positiveWeight, self.negativeWeight) = (positiveWeight, negativeWeight)
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
  }
  public init() {
    self.init(positiveWeight: 1, negativeWeight: 1, positiveMargin: 0.9, negativeMargin: 0.5)
  }

  public static let summary = "one similarity threshold for all classes, on top of another loss"
  public static let source =
    "Zhang et al., Threshold-Consistent Margin Loss for Open-World Deep Metric Learning, ICLR 2024"
  public static let settings = [
    Setting("positiveWeight", \Self.positiveWeight, "the weight λ₊ of positives", in: 0...1e6),
    Setting("negativeWeight", \Self.negativeWeight, "the weight λ₋ of negatives", in: 0...1e6),
    Setting("positiveMargin", \Self.positiveMargin, "how similar positives should be", in: -1...1),
    Setting("negativeMargin", \Self.negativeMargin, "how similar negatives may be", in: -1...1),
  ]

  public static var reducesNegativesApart: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (positiveMargin, negativeMargin) = (S(positiveMargin), S(negativeMargin))
    for j in row.indices where row.kinds[j] != 0 {
      let times = Int(abs(row.kinds[j]))
      if row.kinds[j] > 0 {
        guard row.values[j] <= positiveMargin else {
          sums.terms.skip(times: times)
          continue
        }
        let cost = positiveWeight * Double(positiveMargin - row.values[j])
        guard sums.terms.add(cost, times: times) else { continue }
        row.derivatives[j] = -S(positiveWeight) * S(times)
      } else {
        guard row.values[j] >= negativeMargin else {
          sums.negativeTerms.skip(times: times)
          continue
        }
        let cost = negativeWeight * Double(row.values[j] - negativeMargin)
        guard sums.negativeTerms.add(cost, times: times) else { continue }
        row.derivatives[j] = S(negativeWeight) * S(times)
      }
    }
  }
}
