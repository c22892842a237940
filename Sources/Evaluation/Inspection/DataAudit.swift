import Autodiff
import Settings

/// Items worth a look: labels that look wrong, near duplicates, items far from their class, and those
/// that stand for the data best and worst.
public struct DataAudit: Sendable {
  /// A label that the neighbours contradict.
  public struct Suspicion: Sendable, Equatable {
    public let item: Int
    /// The class of most of the nearest 10 others.
    public let label: Int
    /// The share of these votes, and of those for the item's own class.
    public let votes, ownVotes: Double
  }

  /// Two items that lie far nearer to each other than items do.
  public struct Duplicate: Sendable, Equatable {
    public let first, second: Int
    public let distance: Double
    public let isSameClass: Bool
  }

  /// An item far from what its class consists of.
  public struct Outlier: Sendable, Equatable {
    public let item: Int
    /// The distance to the nearest of the class's larger sub-centres over the median of its class.
    public let ratio: Double
  }

  /// Most contradicted first.
  public let suspicions: [Suspicion]
  /// Nearest first.
  public let duplicates: [Duplicate]
  /// Farthest first.
  public let outliers: [Outlier]
  /// Items that together look most like all (least maximum mean discrepancy), and those that these
  /// represent worst.
  public let prototypes, criticisms: [Int]

  /// - Parameters:
  ///   - duplicateShare: pairs nearer than this share of the median distance to the nearest other
  ///     are duplicates.
  /// - Complexity: O(n² d), and O(m² d) for prototypes on at most m = 2000 items, evenly spread.
  /// - Reference: Deng et al., Sub-center ArcFace, 2020 (larger sub-centres); Kim, Khanna and Koyejo,
  ///   Examples are not Enough, Learn to Criticize, 2016.
  public init(_ set: EmbeddingSet, duplicateShare: Double = 0.1, prototypeCount: Int = 10)
    throws(Failure)
  {
    let inspection = try Inspection(set)
    let (d, labels) = (set.embeddings.shape[1], set.labels)
    let values = set.embeddings.elements(as: Double.self)
    func row(_ i: Int) -> ArraySlice<Double> { values[i * d..<(i + 1) * d] }
    func distance(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }
    suspicions = DataAudit.suspicions(inspection, labels)

    let near = inspection.nearest.enumerated().compactMap { item, others in
      others.first.map { (item, $0, distance(row(item), row($0))) }
    }
    let sorted = near.map(\.2).sorted()
    let limit = sorted.isEmpty ? 0 : sorted[sorted.count / 2] * duplicateShare
    var seen = Set<[Int]>()
    duplicates = near.filter { $0.2 <= limit }.sorted { ($0.2, $0.0) < ($1.2, $1.0) }.compactMap {
      let pair = [min($0.0, $0.1), max($0.0, $0.1)]
      guard seen.insert(pair).inserted else { return nil }
      return Duplicate(
        first: pair[0], second: pair[1], distance: $0.2,
        isSameClass: labels[pair[0]] == labels[pair[1]])
    }

    let classes = Dictionary(grouping: labels.indices, by: { labels[$0] }).sorted {
      $0.key < $1.key
    }
    outliers = classes.flatMap { _, items -> [Outlier] in
      guard items.count >= 4 else { return [] }
      let centres = DataAudit.largerCentres(of: items.map { Array(row($0)) })
      let distances = items.map { item in
        centres.map { distance(row(item), $0[...]) }.min() ?? 0
      }
      let median = distances.sorted()[items.count / 2]
      guard median > 0 else { return [] }
      return zip(items, distances).map { Outlier(item: $0, ratio: $1 / median) }
        .filter { $0.ratio > 2 }
    }.sorted { $0.ratio != $1.ratio ? $0.ratio > $1.ratio : $0.item < $1.item }

    let most = 2000
    let items =
      labels.count > most ? (0..<most).map { $0 * labels.count / most } : Array(labels.indices)
    let chosen = Representatives(items.map { Array(row($0)) }, count: prototypeCount)
    prototypes = chosen.prototypes.map { items[$0] }
    criticisms = chosen.criticisms.map { items[$0] }
  }

  private static func suspicions(_ inspection: Inspection, _ labels: [Int]) -> [Suspicion] {
    inspection.nearest.enumerated().compactMap { item, others -> Suspicion? in
      guard !others.isEmpty else { return nil }
      var votes: [Int: Int] = [:]
      for other in others { votes[labels[other], default: 0] += 1 }
      guard let best = votes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }),
        best.key != labels[item], best.value * 2 > others.count
      else { return nil }
      let count = Double(others.count)
      return Suspicion(
        item: item, label: best.key, votes: Double(best.value) / count,
        ownVotes: Double(votes[labels[item]] ?? 0) / count)
    }.sorted {
      let (a, b) = ($0.votes - $0.ownVotes, $1.votes - $1.ownVotes)
      return a != b ? a > b : $0.item < $1.item
    }
  }

  /// The centres of two groups of a class; one that holds less than a quarter of it is left out.
  private static func largerCentres(of rows: [[Double]]) -> [[Double]] {
    func square(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    func mean(_ rows: [[Double]]) -> [Double] {
      rows[0].indices.map { i in rows.reduce(0) { $0 + $1[i] } / Double(rows.count) }
    }
    func farthest(from point: [Double]) -> [Double] {
      rows.max { square($0, point) < square($1, point) } ?? point
    }
    let first = farthest(from: mean(rows))
    var centres = [first, farthest(from: first)]
    var groups: [[[Double]]] = []
    for _ in 0..<20 {
      groups = [[], []]
      for row in rows {
        groups[square(row, centres[0]) <= square(row, centres[1]) ? 0 : 1].append(row)
      }
      groups.removeAll { $0.isEmpty }
      guard groups.count == 2 else { break }
      centres = groups.map(mean)
    }
    let larger = groups.filter { $0.count * 4 >= rows.count }
    return larger.isEmpty ? [mean(rows)] : larger.map(mean)
  }
}
