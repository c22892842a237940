import Geometry
import Settings

/// The pairs that overlap with the hardest pair of the other kind.
///
/// With s the similarity (a distance is negated), an anchor keeps
///
///     a positive if  s - ε < the largest s of its negatives
///     a negative if  s + ε > the smallest s of its positives
///
/// and gives nothing if it lacks positives or negatives.
/// - Complexity: O(batch²).
public struct MultiSimilarityMiner: AnchorwiseMiner {
  public var epsilon: Double
  public var distance: Distance

  public init(epsilon: Double, distance: Distance = .cosine) {
    (self.epsilon, self.distance) = (epsilon, distance)
  }
  public init() { self.init(epsilon: 0.1) }

  public static let summary = "the pairs within ε of the anchor's hardest pair of the other kind"
  public static let source =
    "Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, "
    + "CVPR 2019"
  public static var settings: [Setting<Self>] {
    [Setting("epsilon", \Self.epsilon, "how far apart positives and negatives should be")]
      + distanceSettings
  }
  public static let findsTriplets = false

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    guard let farthest = row.farthestPositive, let nearest = row.nearestNegative else { return }
    let (last, first) = (row.distances[farthest], row.distances[nearest])
    for j in row.indices {
      if row.kinds[j] < 0 {
        guard row.distances[j] - epsilon < last else { continue }
        found.negative.append(Pair(row.anchor, j))
      } else if row.kinds[j] > 0, row.distances[j] + epsilon > first {
        found.positive.append(Pair(row.anchor, j))
      }
    }
  }
}
