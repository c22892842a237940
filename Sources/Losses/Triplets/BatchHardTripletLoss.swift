import Autodiff
import Geometry
import Settings

/// How the violation of a triplet becomes a cost.
public enum TripletActivation: String, Sendable, CaseIterable {
  /// [u + m]₊
  case hinge
  /// log(1 + exp u), without a margin.
  case softplus
  /// u itself.
  case none
}

/// Each anchor's farthest positive against its nearest negative.
///
/// With d the distance, the mean over the anchors that have a positive and a negative of
///
///     h(max_P d - min_N d),    h(u) = log(1 + exp u), [u + m]₊ or u
///
/// A similarity is negated. Tuples choose pairs. Ties go to the first row. An anchor without a positive
/// or a negative is left out, or (`lone: "counted"`) has its positive at distance 0 and its negative
/// where the farthest row of all is, as sentence-transformers counts it.
///
/// Defaults: softplus (m = 0.2 for the hinge), Euclidean distance of raw embeddings. One class, or
/// distinct classes, give 0. Collapsed embeddings give log 2, m or 0, and no gradient. O(batch²).
/// - Reference: Hermans, Beyer and Leibe, *In Defense of the Triplet Loss for Person
///   Re-Identification* (2017).
public struct BatchHardTripletLoss: PairwiseLoss, Measuring {
  public var activation = TripletActivation.softplus
  public var margin = 0.2
  public var lone = LoneAnchors.skipped
  public var distance = Distance(.euclidean, normalizes: false)

  public init() {}

  public static let summary = "each anchor's farthest positive against its nearest negative"
  public static let source =
    "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("activation", \Self.activation, "how a violation becomes a cost"),
      Setting("margin", \Self.margin, "how much farther a negative should be, for the hinge"),
      Setting("lone", \Self.lone, "what anchors without a positive or a negative are"),
    ] + distanceSettings
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    return wide.distances(distance)
      .reduced(by: self, pairs: input.pairs, reducer: input.rowReducer)
      .narrowed(to: input.embeddings.dtype)
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let sign = S(distance.sign)
    var positive: Int?
    var negative: Int?
    for j in row.indices {
      if row.kinds[j] > 0 {
        if positive.map({ sign * row.values[j] > sign * row.values[$0] }) ?? true { positive = j }
      } else if row.kinds[j] < 0 {
        if negative.map({ sign * row.values[j] < sign * row.values[$0] }) ?? true { negative = j }
      }
    }
    guard let positive, let negative else {
      if lone == .counted { count(row, positive, negative, into: &sums) }
      return
    }
    let (cost, slope) = activation(sign * (row.values[positive] - row.values[negative]), margin)
    sums.terms.add(Double(cost))
    row.derivatives[positive] = sign * slope
    row.derivatives[negative] = -sign * slope
  }
}

extension BatchHardTripletLoss {
  /// The term of an anchor that lacks a positive or a negative.
  private func count<S: Scalar>(
    _ row: LossRow<S>, _ positive: Int?, _ negative: Int?, into sums: inout LossSums
  ) {
    let sign = S(distance.sign)
    let own: S = distance.isSimilarity ? 1 : 0
    let farthest = row.indices.reduce(nil as Int?) { best, j in
      best.map { sign * row.values[j] > sign * row.values[$0] ? j : $0 } ?? j
    }
    let other = negative ?? farthest
    let near = positive.map { row.values[$0] } ?? own
    let far = other.map { row.values[$0] } ?? own
    let (cost, slope) = activation(sign * (near - far), margin)
    sums.terms.add(Double(cost))
    if let positive { row.derivatives[positive] += sign * slope }
    if let other { row.derivatives[other] -= sign * slope }
  }
}

/// What becomes of anchors without a positive or a negative.
public enum LoneAnchors: String, Sendable, CaseIterable { case skipped, counted }

extension TripletActivation {
  /// The cost of a violation, and its derivative.
  @inline(__always)
  func callAsFunction<S: Scalar>(_ violation: S, _ margin: Double) -> (value: S, slope: S) {
    switch self {
    case .hinge:
      let x = violation + S(margin)
      return x > 0 ? (x, 1) : (0, 0)
    case .softplus: return Losses.softplus(violation)
    case .none: return (violation, 1)
    }
  }
}
