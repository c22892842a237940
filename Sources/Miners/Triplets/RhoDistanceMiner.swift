import Autodiff
import Geometry
import Settings

/// Distance-weighted triplets, some of which push two rows of one class apart.
///
/// Triplets are drawn as ``DistanceWeightedMiner`` draws them. Then, with a probability of
/// ``switching``, the negative of a triplet is switched for another positive of the anchor (every
/// one but the triplet's own as likely), which keeps classes from collapsing into points. So a
/// negative of this miner may be of the anchor's own class: the only miner where that is so. An
/// anchor with one positive switches none.
/// - Complexity: as ``DistanceWeightedMiner``.
/// - Reference: Roth et al., *Revisiting Training Strategies and Generalization Performance in Deep
///   Metric Learning* (ICML 2020), ρ-regularisation.
public struct RhoDistanceMiner: AnchorwiseMiner {
  public var switching: Double
  public var weighted: DistanceWeightedMiner

  public init(switching: Double, weighted: DistanceWeightedMiner = DistanceWeightedMiner()) {
    (self.switching, self.weighted) = (switching, weighted)
  }
  public init() { self.init(switching: 0.3) }

  public var distance: Distance {
    get { weighted.distance }
    set { weighted.distance = newValue }
  }

  public static let summary = "distance-weighted triplets, some with a positive as the negative"
  public static let source =
    "Roth et al., Revisiting Training Strategies and Generalization Performance in Deep Metric "
    + "Learning, ICML 2020"
  public static var settings: [Setting<Self>] {
    [
      Setting(
        "switching", \Self.switching, "the probability that a negative is switched", in: 0...1),
      Setting(
        "cutoff", \Self.weighted.cutoff, "the distance below which weights are equal", in: 1e-6...2),
      Setting(
        "nonzeroLossCutoff", \Self.weighted.nonzeroLossCutoff,
        "the distance from which on a negative is never drawn", in: 1e-6...2),
    ] + distanceSettings
  }
  public static let findsTriplets = true

  public func validate(at place: String) throws(Failure) { try weighted.validate(at: place) }

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let first = found.triplets.count
    weighted.mine(row, into: &found)
    let positives = Array(row.positives)
    guard positives.count > 1 else { return }
    var random = row.random.split("switching")
    for i in first..<found.triplets.count where random.uniform() < switching {
      // One fewer to draw from: the triplet's own positive stands for the last.
      let drawn = positives[random.below(positives.count - 1)]
      found.triplets[i].negative =
        drawn == found.triplets[i].positive ? positives[positives.count - 1] : drawn
    }
  }
}
