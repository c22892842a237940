import Autodiff
import Geometry
import Settings

/// Positives and negatives of each anchor, drawn at random.
///
/// An anchor that has both gives ``count`` triplets; the positive and the negative of each are drawn
/// by themselves, every one as likely and with replacement.
/// - Complexity: O(batch²).
public struct RandomMiner: AnchorwiseMiner {
  public var count: Int
  /// Nothing is measured; kept at the cheapest.
  public var distance = Distance(.dot, normalizes: false)

  public init(count: Int) { self.count = count }
  public init() { self.init(count: 4) }

  public static let summary = "triplets drawn at random, the same number for each anchor"
  public static let source =
    "Schultz and Joachims, Learning a Distance Metric from Relative Comparisons, NIPS 2003"
  public static let settings = [
    Setting("count", \Self.count, "how many triplets an anchor gives", in: 1...1_000_000)
  ]
  public static let findsTriplets = true

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let (positives, negatives) = (Array(row.positives), Array(row.negatives))
    guard !positives.isEmpty, !negatives.isEmpty else { return }
    var random = row.random
    for _ in 0..<count {
      let positive = positives[random.below(positives.count)]
      found.triplets.append(
        Triplet(row.anchor, positive, negatives[random.below(negatives.count)]))
    }
  }
}
