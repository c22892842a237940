import Geometry
import Settings

/// The triplets whose margin d(a, n) - d(a, p) lies in a range.
///
/// With m the margin of the miner and t that of a triplet:
///
///     all       t ≤ m
///     hard      t ≤ m and t ≤ 0
///     semihard  t ≤ m and t > 0
///     easy      t > m
///
/// - Complexity: O(batch² × positives) time; memory for the triplets found.
public struct TripletMarginMiner: AnchorwiseMiner {
  public enum Kind: String, Sendable, CaseIterable { case all, hard, semihard, easy }

  public var margin: Double
  public var kind: Kind
  public var distance: Distance

  public init(margin: Double, kind: Kind = .all, distance: Distance = .euclidean) {
    (self.margin, self.kind, self.distance) = (margin, kind, distance)
  }
  public init() { self.init(margin: 0.2) }

  public static let summary =
    "the triplets that violate a margin, or a hard or semihard part of them"
  public static let source =
    "Schroff, Kalenichenko and Philbin, FaceNet: A Unified Embedding for Face Recognition and "
    + "Clustering, CVPR 2015"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how much farther a negative should be than a positive"),
      Setting("kind", \Self.kind, "which triplets to take"),
    ] + distanceSettings
  }
  public static let findsTriplets = true

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    // t lies above the one and not above the other.
    let (above, upTo) =
      switch kind {
      case .all: (-Double.infinity, margin)
      case .hard: (-Double.infinity, min(margin, 0))
      case .semihard: (0, margin)
      case .easy: (margin, Double.infinity)
      }
    for positive in row.positives {
      let near = row.distances[positive]
      for negative in row.indices where row.kinds[negative] < 0 {
        let own = row.distances[negative] - near
        if own <= upTo, own > above {
          found.triplets.append(Triplet(row.anchor, positive, negative))
        }
      }
    }
  }
}
