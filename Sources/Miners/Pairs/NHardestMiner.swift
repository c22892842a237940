import Geometry
import Settings

/// A window of ranks among each anchor's hardest positives and hardest negatives.
///
/// An anchor's positives are ranked from the farthest, its negatives from the nearest. The first
/// ``skip`` negatives are left out, since the very hardest are often mislabelled, and so are the
/// first ``skipPositives`` positives; of the rest the ``count`` hardest are taken. An anchor whose
/// negatives, or positives, are all left out gives nothing. Of rows that tie, the one with the
/// smallest index ranks first.
/// - Complexity: O(batch² log batch).
public struct NHardestMiner: AnchorwiseMiner {
  public var count, skip, skipPositives: Int
  public var distance: Distance

  public init(
    count: Int, skip: Int = 0, skipPositives: Int = 0, distance: Distance = .euclidean
  ) {
    (self.count, self.skip, self.skipPositives) = (count, skip, skipPositives)
    self.distance = distance
  }
  public init() { self.init(count: 4) }

  public static let summary = "the hardest few positives and negatives of each anchor, by rank"
  public static let source =
    "Xuan et al., Hard Negative Examples are Hard, but Useful, ECCV 2020 (the ranks); Moreira et "
    + "al., NV-Retriever, 2024 (the window)"
  public static var settings: [Setting<Self>] {
    [
      Setting("count", \Self.count, "how many of each kind to take", in: 1...1_000_000),
      Setting("skip", \Self.skip, "how many of the hardest negatives to leave out"),
      Setting(
        "skipPositives", \Self.skipPositives, "how many of the hardest positives to leave out"),
    ] + distanceSettings
  }
  public static let findsTriplets = false

  public func mine(_ row: Candidates, into found: inout FoundTuples) {
    let positives = window(row.positives, after: skipPositives) { -row.distances[$0] }
    let negatives = window(row.negatives, after: skip) { row.distances[$0] }
    guard !positives.isEmpty, !negatives.isEmpty else { return }
    found.positive += positives.map { Pair(row.anchor, $0) }
    found.negative += negatives.map { Pair(row.anchor, $0) }
  }

  private func window(
    _ rows: some Sequence<Int>, after skipped: Int, by key: (Int) -> Double
  ) -> [Int] {
    let all = rows.map { (key: key($0), row: $0) }
    let wanted = min(all.count, skipped + count)
    // A few of many need no order of all: each that is nearer than the last so far is put in.
    guard 8 * wanted < all.count else {
      return all.sorted { $0 < $1 }.dropFirst(skipped).prefix(count).map(\.row)
    }
    var ranked = all.prefix(wanted).sorted { $0 < $1 }
    for one in all.dropFirst(wanted) where one < ranked[wanted - 1] {
      var place = wanted - 1
      while place > 0, one < ranked[place - 1] {
        ranked[place] = ranked[place - 1]
        place -= 1
      }
      ranked[place] = one
    }
    return ranked.dropFirst(skipped).prefix(count).map(\.row)
  }
}
