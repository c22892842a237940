import Geometry
import Settings

/// Triplets drawn so that small and large margins d(a, n) - d(a, p) are seen equally often.
///
/// The range from an anchor's least to its greatest margin is cut into ``bins`` of equal width, the
/// greatest belonging to the last; of the bins that are not empty each is as likely, and then each
/// triplet of the bin. An anchor with p positives draws p triplets, with replacement. With the
/// topic-clustered sampler this is TAS-balanced sampling, the distances of the encoder in training
/// standing for a teacher's scores.
/// - Complexity: O(batch² × positives).
public struct BalancedMarginMiner: AnchorwiseMiner {
  public var bins: Int
  public var distance: Distance

  public init(bins: Int, distance: Distance = .euclidean) {
    (self.bins, self.distance) = (bins, distance)
  }
  public init() { self.init(bins: 10) }

  public static let summary = "triplets drawn evenly over the bins of an anchor's margins"
  public static let source =
    "Hofstätter et al., Efficiently Teaching an Effective Dense Retriever with Balanced Topic "
    + "Aware Sampling, SIGIR 2021"
  public static var settings: [Setting<Self>] {
    [Setting("bins", \Self.bins, "how many bins an anchor's margins are put in", in: 1...10_000)]
      + distanceSettings
  }
  public static let findsTriplets = true

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let (positives, negatives) = (Array(row.positives), Array(row.negatives))
    guard !positives.isEmpty, !negatives.isEmpty else { return }
    let near = positives.map { row.distances[$0] }
    let far = negatives.map { row.distances[$0] }
    let least = (far.min() ?? 0) - (near.max() ?? 0)
    let width = ((far.max() ?? 0) - (near.min() ?? 0) - least) / Double(bins)
    let bin = { (margin: Double) -> Int in
      width > 0 ? min(bins - 1, Int((margin - least) / width)) : 0
    }
    // Triplets are counted first and looked up once drawn, so that they need not be listed.
    var sizes = [Int](repeating: 0, count: bins)
    for d in near { for e in far { sizes[bin(e - d)] += 1 } }
    let filled = sizes.indices.filter { sizes[$0] > 0 }
    var random = row.random
    var wanted = [[(place: Int, draw: Int)]](repeating: [], count: bins)
    for draw in positives.indices {
      let chosen = filled[random.below(filled.count)]
      wanted[chosen].append((random.below(sizes[chosen]), draw))
    }
    var drawn = [Triplet?](repeating: nil, count: positives.count)
    var passed = [Int](repeating: 0, count: bins)
    for (p, d) in zip(positives, near) {
      for (n, e) in zip(negatives, far) {
        let own = bin(e - d)
        for one in wanted[own] where one.place == passed[own] {
          drawn[one.draw] = Triplet(row.anchor, p, n)
        }
        passed[own] += 1
      }
    }
    found.triplets += drawn.compactMap { $0 }
  }
}

/// The bin of each margin: min(⌊(m − least) / width⌋, bins − 1); equal margins are in one bin.
public func marginBins(_ margins: [Double], count: Int) -> [Int] {
  guard let least = margins.min(), let greatest = margins.max(), greatest > least else {
    return margins.map { _ in 0 }
  }
  let width = (greatest - least) / Double(count)
  return margins.map { width > 0 ? min(Int(($0 - least) / width), count - 1) : 0 }
}
