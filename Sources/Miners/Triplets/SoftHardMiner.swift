import Autodiff
import Geometry
import Settings

/// One positive and one negative of each anchor, drawn among those that overlap.
///
/// The positive is drawn among those farther than the anchor's nearest negative, the negative among
/// those nearer than its farthest positive, every one as likely; where none is, it is drawn among
/// all of its kind. Softer than ``BatchHardMiner``, which always takes the extremes and so the
/// mislabelled. Anchors that lack either kind give nothing.
/// - Complexity: O(batch²).
public struct SoftHardMiner: AnchorwiseMiner {
  public var distance: Distance

  public init(distance: Distance) { self.distance = distance }
  public init() { self.init(distance: .euclidean) }

  public static let summary =
    "triplets drawn among each anchor's overlapping positives and negatives"
  public static let source =
    "Roth et al., Revisiting Training Strategies and Generalization Performance in Deep Metric "
    + "Learning, ICML 2020"
  public static var settings: [Setting<Self>] { distanceSettings }
  public static let findsTriplets = true

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    guard let farthest = row.farthest(of: row.positives),
      let nearest = row.nearest(of: row.negatives)
    else { return }
    let (last, first) = (row.distances[farthest], row.distances[nearest])
    var random = row.random
    let positive = draw(row.positives, where: { row.distances[$0] > first }, &random)
    let negative = draw(row.negatives, where: { row.distances[$0] < last }, &random)
    guard let positive, let negative else { return }
    found.triplets.append(Triplet(row.anchor, positive, negative))
  }

  private func draw(
    _ rows: some Sequence<Int>, where overlaps: (Int) -> Bool, _ random: inout Random
  ) -> Int? {
    var candidates = rows.filter(overlaps)
    if candidates.isEmpty { candidates = Array(rows) }
    return candidates.isEmpty ? nil : candidates[random.below(candidates.count)]
  }
}
