import Geometry
import Settings

/// For each anchor, its farthest positive and its nearest negative.
///
/// Anchors that lack either give nothing. Of several that are equally far, the one with the
/// smallest index is taken.
/// - Complexity: O(batch²).
public struct BatchHardMiner: AnchorwiseMiner {
  public var distance: Distance

  public init(distance: Distance) { self.distance = distance }
  public init() { self.init(distance: .euclidean) }

  public static let summary = "each anchor's farthest positive and nearest negative, as a triplet"
  public static let source =
    "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017"
  public static var settings: [Setting<Self>] { distanceSettings }
  public static let findsTriplets = true

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    guard let positive = row.farthestPositive, let negative = row.nearestNegative else { return }
    found.triplets.append(Triplet(row.anchor, positive, negative))
  }
}
