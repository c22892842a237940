import Autodiff
import Geometry
import Settings

/// The share that the positive's distance has in a softmax with the negative's.
///
/// With d the distance, the mean over the triplets of
///
///     (exp d(a, p) / (exp d(a, p) + exp d(a, n)))²
///
/// which is the mean square of the differences between that softmax and (0, 1).
///
/// A similarity is negated. Pairs and triplets of tuples are joined where they share an anchor.
/// O(batch²) memory, O(batch² × positives) time.
///
/// Default: Euclidean distance of raw embeddings, whose scale acts as a temperature. One class, or
/// distinct classes, give 0. Collapsed embeddings give 0.25 and no gradient.
/// - Reference: Hoffer and Ailon, *Deep Metric Learning Using Triplet Network* (2015).
public struct TripletRatioLoss: PairwiseLoss, Measuring {
  public var distance = Distance(.euclidean, normalizes: false)

  public init() {}

  public static let summary = "the positive's share in a softmax of the distances of a triplet"
  public static let source =
    "Hoffer and Ailon, Deep Metric Learning Using Triplet Network, SIMBAD 2015"
  public static var settings: [Setting<Self>] { distanceSettings }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    return wide.distances(distance)
      .reduced(by: self, pairs: input.pairs, reducer: input.rowReducer)
      .narrowed(to: input.embeddings.dtype)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(distance.sign)
    for p in row.indices where row.kinds[p] > 0 {
      var slopes: S = 0
      for n in row.indices where row.kinds[n] < 0 {
        let times = Int(row.kinds[p]) * Int(-row.kinds[n])
        let share = softplus(sign * (row.values[p] - row.values[n])).slope
        guard sums.terms.add(Double(share * share), times: times) else { continue }
        let slope = 2 * share * share * (1 - share) * S(times)
        slopes += slope
        row.derivatives[n] -= sign * slope
      }
      row.derivatives[p] += sign * slopes
    }
  }
}
