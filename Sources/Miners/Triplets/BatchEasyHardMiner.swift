import Geometry
import Settings

/// One positive and one negative for each anchor, each chosen by a strategy of its own.
///
///               positive                             negative
///     hard      the farthest                         the nearest
///     easy      the nearest                          the farthest
///     semihard  the farthest that is nearer than     the nearest that is farther than
///               the negative                         the positive
///     all       every one                            every one
///
/// Only candidates whose distance (or similarity) lies in the allowed range, bounds included, are
/// looked at, except by "all". Without "all", an anchor gives a pair of each kind or nothing; with
/// it, each side is chosen by itself. Semihard needs the other side to be hard or easy.
/// - Complexity: O(batch²).
public struct BatchEasyHardMiner: AnchorwiseMiner {
  public enum Strategy: String, Sendable, CaseIterable { case hard, semihard, easy, all }

  public var positives, negatives: Strategy
  public var minimumPositive, maximumPositive, minimumNegative, maximumNegative: Double?
  public var distance: Distance

  public init(positives: Strategy, negatives: Strategy, distance: Distance = .euclidean) {
    (self.positives, self.negatives, self.distance) = (positives, negatives, distance)
  }
  public init() { self.init(positives: .easy, negatives: .semihard) }

  public static let summary = "an easy, semihard or hard positive and negative for each anchor"
  public static let source =
    "Xuan, Stylianou and Pless, Improved Embeddings with Easy Positive Triplet Mining, WACV 2020"
  public static var settings: [Setting<Self>] {
    [
      Setting("positives", \Self.positives, "which positive to take"),
      Setting("negatives", \Self.negatives, "which negative to take"),
      Setting("minimumPositive", \Self.minimumPositive, "the least value of a positive pair"),
      Setting("maximumPositive", \Self.maximumPositive, "the greatest value of a positive pair"),
      Setting("minimumNegative", \Self.minimumNegative, "the least value of a negative pair"),
      Setting("maximumNegative", \Self.maximumNegative, "the greatest value of a negative pair"),
    ] + distanceSettings
  }
  public static let findsTriplets = false

  public func validate(at place: String) throws(Failure) {
    let both =
      "\"positives\" is \"\(positives.rawValue)\", \"negatives\" is "
      + "\"\(negatives.rawValue)\""
    if positives == .semihard || negatives == .semihard {
      let other = positives == .semihard ? negatives : positives
      guard other == .hard || other == .easy else {
        throw Failure(
          .badData, at: place, both, expected: "\"hard\" or \"easy\" beside \"semihard\"")
      }
    }
    for (low, high, name) in [
      (minimumPositive, maximumPositive, "Positive"),
      (minimumNegative, maximumNegative, "Negative"),
    ] {
      if let low, let high, low > high {
        throw Failure(
          .badData, at: place, "\"minimum\(name)\" is \(low) and \"maximum\(name)\" is \(high)",
          expected: "the minimum not to be above the maximum")
      }
    }
  }

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    if positives == .all {
      found.positive += row.positives.map { Pair(row.anchor, $0) }
    }
    if negatives == .all {
      found.negative += row.negatives.map { Pair(row.anchor, $0) }
    }
    guard positives != .all, negatives != .all else {
      if positives != .all, let one = positive(of: row, nearerThan: nil) {
        found.positive.append(Pair(row.anchor, one))
      }
      if negatives != .all, let one = negative(of: row, fartherThan: nil) {
        found.negative.append(Pair(row.anchor, one))
      }
      return
    }
    var (first, second): (Int?, Int?)
    if positives == .semihard {
      second = negative(of: row, fartherThan: nil)
      first = second.flatMap { positive(of: row, nearerThan: row.distances[$0]) }
    } else {
      first = positive(of: row, nearerThan: nil)
      second = first.flatMap {
        negative(of: row, fartherThan: negatives == .semihard ? row.distances[$0] : nil)
      }
    }
    guard let first, let second else { return }
    found.positive.append(Pair(row.anchor, first))
    found.negative.append(Pair(row.anchor, second))
  }

  private func positive(of row: Candidates, nearerThan limit: Double?) -> Int? {
    if positives == .hard, limit == nil, minimumPositive == nil, maximumPositive == nil {
      return row.farthestPositive
    }
    let allowed = row.positives.lazy.filter {
      isInside(row.distances[$0], minimumPositive, maximumPositive)
        && row.distances[$0] < limit ?? .infinity
    }
    return positives == .easy ? row.nearest(of: allowed) : row.farthest(of: allowed)
  }

  private func negative(of row: Candidates, fartherThan limit: Double?) -> Int? {
    if negatives == .hard, limit == nil, minimumNegative == nil, maximumNegative == nil {
      return row.nearestNegative
    }
    let allowed = row.negatives.lazy.filter {
      isInside(row.distances[$0], minimumNegative, maximumNegative)
        && row.distances[$0] > limit ?? -.infinity
    }
    return negatives == .easy ? row.farthest(of: allowed) : row.nearest(of: allowed)
  }

  private func isInside(_ value: Double, _ minimum: Double?, _ maximum: Double?) -> Bool {
    let value = value * distance.sign
    return value >= minimum ?? -.infinity && value <= maximum ?? .infinity
  }
}
