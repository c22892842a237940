import Geometry
import Settings

/// The pairs on the wrong side of a margin.
///
/// With d the distance, positives with d > m₊ and negatives with d < m₋; with a similarity the
/// comparisons change sides.
/// - Complexity: O(batch²).
public struct PairMarginMiner: AnchorwiseMiner {
  public var positiveMargin, negativeMargin: Double
  public var distance: Distance

  public init(positiveMargin: Double, negativeMargin: Double, distance: Distance = .euclidean) {
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
    self.distance = distance
  }
  public init() { self.init(positiveMargin: 0.2, negativeMargin: 0.8) }

  public static let summary = "the positive pairs beyond one margin, the negatives within another"
  public static let source =
    "Musgrave, Belongie and Lim, PyTorch Metric Learning, 2020 (no paper of its own)"
  public static var settings: [Setting<Self>] {
    [
      Setting("positiveMargin", \Self.positiveMargin, "how far apart positives may be"),
      Setting("negativeMargin", \Self.negativeMargin, "how far apart negatives should be"),
    ] + distanceSettings
  }
  public static let findsTriplets = false

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let (far, near) = (positiveMargin * distance.sign, negativeMargin * distance.sign)
    for j in row.positives where row.distances[j] > far {
      found.positive.append(Pair(row.anchor, j))
    }
    for j in row.negatives where row.distances[j] < near {
      found.negative.append(Pair(row.anchor, j))
    }
  }
}
