import Settings

/// A metric in words, with the function that computes it.
public struct MetricDescription: Sendable {
  /// What a metric is computed from, and so what it costs.
  public enum Group: String, Sendable {
    /// The ranks of the matches of each query: one pass over all distances.
    case retrieval
    /// A clustering by k-means.
    case clustering
    /// All pairs with one threshold: up to three passes over all distances.
    case verification
  }

  /// Tells definitions apart that share a name: how self-matches, queries without a match,
  /// denominators and ties are handled.
  public let id: String
  /// The definition in a sentence.
  public let definition: String
  let measure: Measure

  enum Measure: Sendable {
    /// A mean over the queries that have a match, of a function of the ranks of the matches.
    case ranks(@Sendable (Ranks) -> Double)
    case clusters(@Sendable (Contingency) -> Double)
    case pairs(@Sendable (PairCurve) -> Double)
    case operatingCurves(@Sendable (OperatingCurves) -> Double)
  }

  public var group: Group {
    switch measure {
    case .ranks: .retrieval
    case .clusters: .clustering
    case .pairs, .operatingCurves: .verification
    }
  }
}

/// Every metric, by the name that reports and the command line use.
///
/// Shared by all: neighbours are ordered by distance, equally distant ones by their row; without a
/// gallery each query searches the other rows (itself left out by row, not by value); queries
/// without a match are left out of the retrieval metrics and counted.
public let allMetrics: [Named<MetricDescription>] =
  [1, 2, 4, 8].map { k in
    retrieval(
      "recall@\(k)", "recall@\(k)/any-match/lone-excluded",
      "share of queries with at least one match among the nearest \(k)"
    ) { $0.first <= k ? 1 : 0 }
  } + [
    retrieval(
      "r-precision", "r-precision/over-r/lone-excluded",
      "share of matches among the nearest R, where R is the number of matches of the query"
    ) { Double($0.countWithin($0.count)) / Double($0.count) },
    retrieval(
      "map@r", "map@r/over-r/lone-excluded",
      "sum of the precision at each match among the nearest R, divided by R"
    ) { $0.averagePrecision(within: $0.count) },
    retrieval(
      "map", "map/over-r/whole-gallery/lone-excluded",
      "mean of the precision at each match over the whole gallery"
    ) { $0.averagePrecision(within: .max) },
    retrieval(
      "mrr", "mrr/first-match/lone-excluded", "mean of 1 / rank of the first match"
    ) { 1 / Double($0.first) },
    Named(
      "nmi",
      MetricDescription(
        id: "nmi/arithmetic-mean/k-means++-20-iterations",
        definition: "mutual information of labels and k-means clusters (k = number of labels), "
          + "divided by the mean of their entropies",
        measure: .clusters { $0.normalizedMutualInformation })),
    Named(
      "ami",
      MetricDescription(
        id: "ami/arithmetic-mean/exact-expectation/k-means++-20-iterations",
        definition: "mutual information of labels and k-means clusters, less what chance gives "
          + "(hypergeometric model), divided by the mean of their entropies less the same",
        measure: .clusters { $0.adjustedMutualInformation })),
    Named(
      "auc",
      MetricDescription(
        id: "auc/all-pairs/ties-half",
        definition: "probability that a matching pair is nearer than a pair that does not match",
        measure: .pairs { $0.areaUnderCurve })),
    Named(
      "eer",
      MetricDescription(
        id: "eer/all-pairs/roc-polyline",
        definition: "where false accept rate and false reject rate are equal, on straight lines "
          + "between neighbouring operating points",
        measure: .pairs { $0.equalErrorRate })),
    Named(
      "opis",
      MetricDescription(
        id: "opis/far-0.01-0.1/101-thresholds/single-image-classes-excluded",
        definition: "variance between classes of the utility 2·sens·spec/(sens + spec), mean over "
          + "101 thresholds from a false accept rate of 1 % to 10 % (Zhang et al., 2024)",
        measure: .operatingCurves { $0.inconsistency })),
    Named(
      "opis-worst-10",
      MetricDescription(
        id: "eps-opis/0.1/far-0.01-0.1/101-thresholds/reconstructed",
        definition: "mean utility of the best tenth of the classes less that of the worst tenth, "
          + "over the same thresholds; reconstructed from descriptions of the paper",
        measure: .operatingCurves { $0.gap(share: 0.1) })),
  ]

private func retrieval(
  _ name: String, _ id: String, _ definition: String,
  _ measure: @escaping @Sendable (Ranks) -> Double
) -> Named<MetricDescription> {
  Named(name, MetricDescription(id: id, definition: definition, measure: .ranks(measure)))
}
