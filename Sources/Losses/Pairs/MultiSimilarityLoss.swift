import Autodiff
import Geometry
import Settings

/// Each anchor's hardest positives and negatives, weighted smoothly.
///
/// With s the similarity, the mean over the anchors of
///
///     1/α log(1 + Σ_P exp(α (λ - s))) + 1/β log(1 + Σ_N exp(β (s - λ)))
///
/// A distance is negated, and so is λ. A side without pairs is 0. Tuples choose pairs; a pair that
/// they repeat counts once.
///
/// Defaults: α = 2, β = 50, λ = 0.5, cosine. Best with the miner of the same name. O(batch²).
/// - Reference: Wang et al., *Multi-Similarity Loss with General Pair Weighting for Deep Metric
///   Learning* (CVPR 2019).
public struct MultiSimilarityLoss: PairwiseLoss, Measuring {
  public var alpha, beta, base: Double
  public var distance: Distance

  public init(alpha: Double, beta: Double, base: Double, distance: Distance = .cosine) {
    (self.alpha, self.beta, self.base, self.distance) = (alpha, beta, base, distance)
  }
  public init() { self.init(alpha: 2, beta: 50, base: 0.5) }

  public static let summary = "each anchor's hardest positives and negatives, weighted smoothly"
  public static let source =
    "Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, "
    + "CVPR 2019"
  public static var settings: [Setting<Self>] {
    [
      Setting("alpha", \Self.alpha, "how sharply positives are weighted", in: 1e-6...1e6),
      Setting("beta", \Self.beta, "how sharply negatives are weighted", in: 1e-6...1e6),
      Setting("base", \Self.base, "the similarity λ that splits easy from hard"),
    ] + distanceSettings
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(-distance.sign)
    let (alpha, beta, base) = (S(alpha), S(beta), S(base))
    let both = Sides(positive: base, negative: base)
    row.scale(by: Sides(positive: -alpha * sign, negative: beta * sign), from: both)
    let costs = row.logOnePlusSumExp(timesFactors: Sides(positive: -sign, negative: sign))
    sums.terms.add(Double(costs.positive / alpha + costs.negative / beta))
  }
}
