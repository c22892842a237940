import Autodiff
import Foundation
import Geometry
import Settings

/// Negatives drawn so that all distances are equally likely.
///
/// Distances between random points of the unit sphere in n dimensions have the density q(d); a
/// negative is drawn with a weight of 1 / q(max(d, cutoff)), where
///
///     ln q(d) = (n - 2) ln d + (n - 3) / 2 ln(1 - d² / 4)
///
/// and never if d is ``nonzeroLossCutoff`` or more. The weights are compared as logarithms, and the
/// largest of an anchor's is scaled to 1, so that they neither overflow nor all vanish however many
/// dimensions there are. An anchor with p positives draws p triplets: for each the positive is
/// drawn evenly and the negative by weight, both with replacement. An anchor without positives, or
/// without negatives nearer than the cutoff, gives nothing. With a distance that is no Euclidean
/// distance of unit vectors the rule is the same, and d of 2 or more weighs nothing.
/// - Complexity: O(batch² + batch × positives × log batch).
/// - Reference: Wu et al., *Sampling Matters in Deep Embedding Learning* (ICCV 2017).
public struct DistanceWeightedMiner: AnchorwiseMiner {
  public var cutoff, nonzeroLossCutoff: Double
  public var distance: Distance

  public init(
    cutoff: Double = 0.5, nonzeroLossCutoff: Double = 1.4, distance: Distance = .euclidean
  ) {
    (self.cutoff, self.nonzeroLossCutoff) = (cutoff, nonzeroLossCutoff)
    self.distance = distance
  }
  public init() { self.init(cutoff: 0.5) }

  public static let summary = "triplets whose negatives are drawn evenly over all distances"
  public static let source =
    "Wu et al., Sampling Matters in Deep Embedding Learning, ICCV 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("cutoff", \Self.cutoff, "the distance below which weights are equal", in: 1e-6...2),
      Setting(
        "nonzeroLossCutoff", \Self.nonzeroLossCutoff,
        "the distance from which on a negative is never drawn", in: 1e-6...2),
    ] + distanceSettings
  }
  public static let findsTriplets = true

  public func validate(at place: String) throws(Failure) {
    guard !distance.isSimilarity else {
      throw Failure(
        .badData, at: place, "\"distance\" is \"\(distance.kind.rawValue)\", a similarity",
        expected: "\"euclidean\", \"squared-euclidean\" or \"snr\"")
    }
  }

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let positives = Array(row.positives)
    guard !positives.isEmpty else { return }
    var (negatives, logarithms): ([Int], [Double]) = ([], [])
    for negative in row.negatives {
      let value = row.distances[negative]
      guard value < nonzeroLossCutoff else { continue }
      let logarithm = logWeight(max(value, cutoff), dimension: Double(row.dimension))
      guard logarithm.isFinite else { continue }
      negatives.append(negative)
      logarithms.append(logarithm)
    }
    guard let largest = logarithms.max() else { return }
    var sum = 0.0
    let cumulative = logarithms.map { logarithm in
      sum += exp(logarithm - largest)
      return sum
    }
    var random = row.random
    for _ in positives {
      let positive = positives[random.below(positives.count)]
      let negative = negatives[firstIndex(in: cumulative, above: random.uniform() * sum)]
      found.triplets.append(Triplet(row.anchor, positive, negative))
    }
  }

  private func logWeight(_ d: Double, dimension n: Double) -> Double {
    (2 - n) * log(d) - (n - 3) / 2 * log(1 - d * d / 4)
  }

  /// The first index whose number is larger, or the last index.
  private func firstIndex(in ascending: [Double], above number: Double) -> Int {
    var (low, high) = (0, ascending.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ascending[middle] > number { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
