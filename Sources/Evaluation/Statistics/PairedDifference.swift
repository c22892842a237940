import Autodiff
import Settings

/// The value of a retrieval metric for each query; nil for a query without a match.
///
/// - Parameter metrics: names of metrics that are means over queries, such as `map@r`.
/// - Returns: for each metric, a value for each row of the set.
/// - Throws: as ``evaluate(query:gallery:options:)``, and for a metric that is no such mean.
public func queryValues(
  _ set: EmbeddingSet, in gallery: EmbeddingSet? = nil, metrics: [String],
  distance: EvaluationOptions.Distance = .euclidean
) throws(Failure) -> [[Double?]] {
  try set.check()
  try gallery?.check()
  var measures: [@Sendable (Ranks) -> Double] = []
  for name in metrics {
    guard case .ranks(let measure) = try metric(named: name, at: "metrics").measure else {
      throw Failure(
        .badUsage, at: "metrics", "'\(name)' is no mean over queries",
        expected: "a retrieval metric such as map@r")
    }
    measures.append(measure)
  }
  func values<S: Scalar>(of type: S.Type) -> [[Double]] {
    let rows = LabeledRows<S>.prepare([set] + (gallery.map { [$0] } ?? []), distance: distance)
    let distances = DistanceRows(
      query: rows[0], gallery: rows[rows.count - 1], isSelf: gallery == nil)
    return RankPass(distances, measures: measures, countsPairs: false).values
  }
  let found =
    set.embeddings.dtype == .float64 ? values(of: Double.self) : values(of: Float.self)
  return found.map { $0.map { $0.isNaN ? nil : $0 } }
}

/// Chances of several comparisons made together, so that the chance of any false alarm among them is
/// kept to: Holm's step-down form of Bonferroni's correction.
///
/// Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
public func holmAdjusted(_ chances: [Double]) -> [Double] {
  let order = chances.indices.sorted {
    chances[$0] != chances[$1] ? chances[$0] < chances[$1] : $0 < $1
  }
  var adjusted = chances
  var least = 0.0
  for (rank, place) in order.enumerated() {
    least = max(least, min(1, chances[place] * Double(chances.count - rank)))
    adjusted[place] = least
  }
  return adjusted
}

/// How much better one embedding is than another for the same queries.
public struct PairedDifference: Sendable, Equatable {
  /// Tells definitions apart: what is drawn, and how interval and p are made.
  public static let definition = "paired-bootstrap/over-queries/percentiles-2.5-97.5/two-sided"

  /// Means over the queries.
  public let base, other: Double
  /// The middle 95 % of the draws of `other` − `base`.
  public let interval: ClosedRange<Double>
  /// Twice the share of draws on the other side of 0 (or at it), at most 1: how easily such a
  /// difference is chance. Never less than 2 / (draws + 1).
  public let chance: Double

  public var difference: Double { other - base }

  /// Compares by the bootstrap over queries: each draw takes as many queries as there are, with
  /// replacement, and both embeddings answer the same ones.
  ///
  /// Queries of one class are more alike than others, so the interval is somewhat too narrow.
  /// - Parameters: a value for each query, nil for the same queries in both.
  /// - Returns: nil if no query has a value.
  /// - Complexity: O(draws × queries).
  public init?(base: [Double?], other: [Double?], seed: Int = 0, draws: Int = 1000) {
    precondition(
      base.count == other.count,
      "PairedDifference: \(base.count) and \(other.count) queries are not the same ones")
    let pairs = zip(base, other).compactMap { base, other in
      base.flatMap { base in other.map { (base, $0) } }
    }
    guard !pairs.isEmpty, draws > 0 else { return nil }
    let count = Double(pairs.count)
    self.base = pairs.reduce(0) { $0 + $1.0 } / count
    self.other = pairs.reduce(0) { $0 + $1.1 } / count
    let differences = pairs.map { $0.1 - $0.0 }
    let random = Random(seed: UInt64(bitPattern: Int64(seed))).split("compare")
    var means = [Double](repeating: 0, count: draws)
    means.withUnsafeMutableBufferPointer { means in
      let means = means
      Parallel.forEach(draws) { draw in
        var random = random.split(UInt64(draw))
        var sum = 0.0
        for _ in differences { sum += differences[random.below(differences.count)] }
        means[draw] = sum / count
      }
    }
    interval = ClassBootstrap.interval(means) ?? 0...0
    let side = min(means.count { $0 <= 0 }, means.count { $0 >= 0 })
    chance = min(1, 2 * Double(side + 1) / Double(draws + 1))
  }
}
