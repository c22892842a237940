import Settings

/// Metrics that exist for any k, by what stands before the `@`.
let metricsForAnyK: [Named<@Sendable (Int) -> MetricDescription>] = [
  Named("recall") { k in
    .ofRanks(
      "recall@\(k)/any-match/lone-excluded",
      "share of queries with at least one match among the nearest \(k)"
    ) { $0.first <= k ? 1 : 0 }
  },
  Named("precision") { k in
    .ofRanks(
      "precision@\(k)/over-k/lone-excluded",
      "share of matches among the nearest \(k), over \(k) even where there are fewer matches"
    ) { Double($0.countWithin(k)) / Double(k) }
  },
  Named("map") { k in
    .ofRanks(
      "map@\(k)/over-min-r-k/lone-excluded",
      "sum of the precision at each match among the nearest \(k), divided by R or \(k) if that is "
        + "less"
    ) { $0.averagePrecision(within: k) * Double($0.count) / Double(min(k, $0.count)) }
  },
  Named("ndcg") { k in
    .ofRanks(
      "ndcg@\(k)/binary/log2/lone-excluded",
      "sum of 1 / log2(rank + 1) over the matches among the nearest \(k), over the most it can be"
    ) { $0.discountedGain(within: k) }
  },
  Named("cmc") { k in
    .ofRanks(
      "cmc@\(k)/any-match/lone-excluded",
      "share of queries whose first match is among the nearest \(k); with --exclude-groups for the "
        + "cameras as in Market-1501"
    ) { $0.first <= k ? 1 : 0 }
  },
]

private func anyK(_ name: String, _ k: Int) -> Named<MetricDescription> {
  guard let family = metricsForAnyK.first(where: { $0.name == name }) else {
    preconditionFailure("anyK: there is no metric \(name)@k")
  }
  return Named("\(name)@\(k)", family.value(k))
}

let retrievalMetrics: [Named<MetricDescription>] =
  [1, 2, 4, 8].map { anyK("recall", $0) } + [
    Named(
      "r-precision",
      .ofRanks(
        "r-precision/over-r/lone-excluded",
        "share of matches among the nearest R, where R is the number of matches of the query"
      ) { Double($0.countWithin($0.count)) / Double($0.count) }),
    Named(
      "map@r",
      .ofRanks(
        "map@r/over-r/lone-excluded",
        "sum of the precision at each match among the nearest R, divided by R"
      ) { $0.averagePrecision(within: $0.count) }),
    Named(
      "map",
      .ofRanks(
        "map/over-r/whole-gallery/lone-excluded",
        "mean of the precision at each match over the whole gallery"
      ) { $0.averagePrecision(within: .max) }),
    Named(
      "mrr",
      .ofRanks("mrr/first-match/lone-excluded", "mean of 1 / rank of the first match") {
        1 / Double($0.first)
      }),
  ] + [5, 10].map { anyK("precision", $0) } + [
    anyK("map", 10), anyK("ndcg", 10),
    Named(
      "minp",
      .ofRanks(
        "minp/r-over-last-rank/lone-excluded",
        "R divided by the rank of the last match: how much must be looked through to find all"
      ) { Double($0.count) / Double($0.last) }),
  ] + [5, 10].map { anyK("cmc", $0) } + [
    Named(
      "knn@5",
      MetricDescription(
        id: "knn@5/plurality/ties-to-nearest/lone-excluded",
        definition: "share of queries whose class has the most votes among the nearest 5, equal "
          + "votes going to the class of the nearer vote",
        measure: .nearest { $0.accuracy(votes: 5) })),
    Named(
      "hard-anchors",
      .ofRanks(
        "hard-anchors/last-match-behind-another/lone-excluded",
        "share of queries whose farthest match is behind an item of another class; with losses stuck "
          + "at the margin a sign of collapse", isLowerBetter: true
      ) { $0.last > $0.count ? 1 : 0 }),
  ]

/// Those of the means over classes that are measured if nothing else is asked for.
let macroMetrics: [Named<MetricDescription>] = retrievalMetrics.compactMap { metric in
  guard ["recall@1", "map@r"].contains(metric.name), let macro = metric.value.macro else {
    return nil
  }
  return Named("macro-" + metric.name, macro)
}

extension MetricDescription {
  /// A mean over the queries with a match.
  static func ofRanks(
    _ id: String, _ definition: String, isLowerBetter: Bool = false,
    _ measure: @escaping @Sendable (Ranks) -> Double
  ) -> MetricDescription {
    MetricDescription(
      id: id, definition: definition, isLowerBetter: isLowerBetter, measure: .ranks(measure))
  }
}
