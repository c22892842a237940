import Autodiff
import Geometry
import Settings

/// Each positive pair against the nearest negative that is farther than the positive.
///
/// With d the distance, the mean over the positive pairs (a, p) of
///
///     [d(a, p) - d(a, n) + m]₊,    n = the nearest negative with d(a, n) > d(a, p)
///
/// If no negative is farther, n is the farthest one; without a negative d(a, n) is 0. A similarity is
/// negated. Tuples choose pairs. No positive pair gives 0. O(batch² × positives) time.
///
/// Defaults: m = 5, Euclidean distance of raw embeddings.
/// - Reference: Schroff, Kalenichenko and Philbin, *FaceNet* (CVPR 2015); TensorFlow Addons' form.
public struct BatchSemiHardTripletLoss: PairwiseLoss, Measuring {
  public var margin = 5.0
  public var distance = Distance(.euclidean, normalizes: false)

  public init() {}

  public static let summary = "each positive pair against the nearest negative beyond the positive"
  public static let source =
    "Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015, as TensorFlow Addons has it"
  public static var settings: [Setting<Self>] {
    [Setting("margin", \Self.margin, "how much farther a negative should be", in: -1e6...1e6)]
      + distanceSettings
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    input.widened.distances(distance)
      .reduced(by: self, pairs: input.pairs, reducer: input.rowReducer)
      .narrowed(to: input.embeddings.dtype)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(distance.sign)
    let negatives = row.indices.filter { row.kinds[$0] < 0 }
    let farthest = negatives.max { sign * row.values[$0] < sign * row.values[$1] }
    for positive in row.indices where row.kinds[positive] > 0 {
      let beyond = negatives.filter { sign * row.values[$0] > sign * row.values[positive] }
      let negative = beyond.min { sign * row.values[$0] < sign * row.values[$1] } ?? farthest
      let far = negative.map { row.values[$0] } ?? (distance.isSimilarity ? 1 : 0)
      let violation = sign * (row.values[positive] - far) + S(margin)
      let times = Int(abs(row.kinds[positive]))
      let counts = sums.terms.add(max(0, Double(violation)), times: times)
      guard counts, violation > 0 else { continue }
      row.derivatives[positive] += sign * S(times)
      if let negative { row.derivatives[negative] -= sign * S(times) }
    }
  }
}
