import Autodiff
import Geometry
import Settings

/// Positive pairs nearer than one margin, negative pairs farther than another.
///
/// With d the distance of a pair, and the means over the pairs whose term is above 0:
///
///     mean_P [d - m₊]₊ + mean_N [m₋ - d]₊
///
/// With a similarity the two differences change sign, so that `positiveMargin: 1` and
/// `negativeMargin: 0` suit the cosine. A pair that tuples repeat counts each time. One positive
/// and one negative pair give their loss, where pytorch-metric-learning gives 0.
///
/// Defaults: m₊ = 0, m₋ = 1, Euclidean distance of normalised embeddings. One class leaves the
/// positive part, distinct classes the negative part. O(batch²) time and memory.
/// - Reference: Hadsell, Chopra and LeCun, *Dimensionality Reduction by Learning an Invariant
///   Mapping* (CVPR 2006).
public struct ContrastiveLoss: PairwiseLoss, PairMargins {
  public var positiveMargin = 0.0
  public var negativeMargin = 1.0
  public var distance = Distance.euclidean

  public init() {}

  public static let summary = "positive pairs within one margin, negative pairs beyond another"
  public static let source =
    "Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping, "
    + "CVPR 2006"

  public var reduction: Reduction { .meanOfActive }
  public static var reducesNegativesApart: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (values, kinds, derivatives) = row.start else { return }
    guard !sums.terms.isSelective else { return choose(row, into: &sums) }
    let terms = row.kernels.hinges(
      derivatives, values, kinds: kinds,
      bounds: Sides(positive: S(positiveMargin), negative: S(negativeMargin)),
      sign: S(distance.sign), row.values.count)
    sums.terms.add(terms.positive)
    sums.negativeTerms.add(terms.negative)
  }

  /// The same, pair by pair.
  private func choose<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(distance.sign)
    for j in row.indices where row.kinds[j] != 0 {
      let times = Int(abs(row.kinds[j]))
      if row.kinds[j] > 0 {
        let cost = max(0, sign * (row.values[j] - S(positiveMargin)))
        let counts = sums.terms.add(Double(cost), times: times)
        row.derivatives[j] = counts && cost > 0 ? sign * S(times) : 0
      } else {
        let cost = max(0, sign * (S(negativeMargin) - row.values[j]))
        let counts = sums.negativeTerms.add(Double(cost), times: times)
        row.derivatives[j] = counts && cost > 0 ? -sign * S(times) : 0
      }
    }
  }
}
