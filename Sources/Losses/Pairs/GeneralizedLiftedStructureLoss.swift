import Autodiff
import Geometry
import Settings

/// All positives and all negatives of an anchor in one smooth hinge.
///
/// With d the distance, the mean over the anchors of
///
///     [log Σ_P exp(d - m₊) + log Σ_N exp(m₋ - d)]₊
///
/// A side without pairs adds 0. With a similarity the differences change sign. Tuples choose
/// pairs; a pair that they repeat counts once.
///
/// Defaults: m₊ = 0, m₋ = 1, Euclidean distance of normalised embeddings. O(batch²).
/// - Reference: Hermans, Beyer and Leibe, *In Defense of the Triplet Loss for Person
///   Re-Identification* (2017).
public struct GeneralizedLiftedStructureLoss: PairwiseLoss, PairMargins {
  public var positiveMargin = 0.0
  public var negativeMargin = 1.0
  public var distance = Distance.euclidean

  public init() {}

  public static let summary = "all positives and negatives of an anchor in one smooth hinge"
  public static let source =
    "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017"

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(distance.sign)
    let (positiveMargin, negativeMargin) = (S(positiveMargin), S(negativeMargin))
    row.scale(
      by: Sides(positive: sign, negative: -sign),
      from: Sides(positive: positiveMargin, negative: negativeMargin))
    let costs = row.logSumExp()
    let cost = max(0, (costs.positive ?? 0) + (costs.negative ?? 0))
    sums.terms.add(Double(cost))
    let slope = cost > 0 ? sign : 0
    row.scaleDerivatives(by: Sides(positive: slope, negative: -slope))
  }
}
