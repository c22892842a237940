import Settings

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
  ] + otherRetrievalMetrics + [
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
      "clustering-f1",
      MetricDescription(
        id: "clustering-f1/pairs/k-means++-20-iterations",
        definition: "F1 of pairs of items in one k-means cluster (k = number of labels) against "
          + "pairs of one label",
        measure: .clusters { $0.pairF1 })),
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
        isLowerBetter: true, measure: .pairs { $0.equalErrorRate })),
    Named(
      "opis",
      MetricDescription(
        id: "opis/far-0.01-0.1/101-thresholds/single-image-classes-excluded",
        definition: "variance between classes of the utility 2·sens·spec/(sens + spec), mean over "
          + "101 thresholds from a false accept rate of 1 % to 10 % (Zhang et al., 2024)",
        isLowerBetter: true, measure: .operatingCurves { $0.inconsistency })),
    Named(
      "opis-worst-10",
      MetricDescription(
        id: "eps-opis/0.1/far-0.01-0.1/101-thresholds/reconstructed",
        definition: "mean utility of the best tenth of the classes less that of the worst tenth, "
          + "over the same thresholds; reconstructed from descriptions of the paper",
        isLowerBetter: true, measure: .operatingCurves { $0.gap(share: 0.1) })),
  ] + acceptMetrics + spaceMetrics

private let otherRetrievalMetrics: [Named<MetricDescription>] =
  [5, 10].map { k in
    retrieval(
      "precision@\(k)", "precision@\(k)/over-k/lone-excluded",
      "share of matches among the nearest \(k), over \(k) even where there are fewer matches"
    ) { Double($0.countWithin(k)) / Double(k) }
  } + [
    retrieval(
      "map@10", "map@10/over-min-r-k/lone-excluded",
      "sum of the precision at each match among the nearest 10, divided by R or 10 if that is less"
    ) { $0.averagePrecision(within: 10) * Double($0.count) / Double(min(10, $0.count)) },
    retrieval(
      "ndcg@10", "ndcg@10/binary/log2/lone-excluded",
      "sum of 1 / log2(rank + 1) over the matches among the nearest 10, over the most it can be"
    ) { $0.discountedGain(within: 10) },
    retrieval(
      "minp", "minp/r-over-last-rank/lone-excluded",
      "R divided by the rank of the last match: how much must be looked through to find all"
    ) { Double($0.count) / Double($0.last) },
  ]
  + [5, 10].map { k in
    retrieval(
      "cmc@\(k)", "cmc@\(k)/any-match/no-cameras/lone-excluded",
      "share of queries whose first match is among the nearest \(k), nothing left out by camera"
    ) { $0.first <= k ? 1 : 0 }
  } + [
    Named(
      "knn@5",
      MetricDescription(
        id: "knn@5/plurality/ties-to-nearest/lone-excluded",
        definition: "share of queries whose class has the most votes among the nearest 5, equal "
          + "votes going to the class of the nearer vote",
        measure: .nearest { $0.accuracy(votes: 5) })),
    Named(
      "macro-recall@1",
      MetricDescription(
        id: "recall@1/any-match/lone-excluded/mean-of-classes",
        definition: "recall@1 of each class, averaged over the classes",
        measure: .macroRanks { $0.first <= 1 ? 1 : 0 })),
    Named(
      "macro-map@r",
      MetricDescription(
        id: "map@r/over-r/lone-excluded/mean-of-classes",
        definition: "MAP@R of each class, averaged over the classes",
        measure: .macroRanks { $0.averagePrecision(within: $0.count) })),
  ]

private let acceptMetrics: [Named<MetricDescription>] = PairCurve.rates.enumerated().map {
  index, rate in
  Named(
    "tpr@far=1e-\(index + 1)",
    MetricDescription(
      id:
        "tpr/all-pairs/far-at-most-1e-\(index + 1)/at-least-\(Int((10 / rate).rounded()))-negatives",
      definition: "share of matching pairs accepted by the largest threshold with a false accept "
        + "rate of at most 1e-\(index + 1)",
      measure: .pairs { $0.trueAcceptRates[index] }))
}

private let spaceMetrics: [Named<MetricDescription>] = [
  space(
    "alignment", "alignment/squared/unit-rows/all-pairs",
    "mean squared distance of matching pairs, rows of unit length (Wang and Isola, 2020)",
    isLowerBetter: true, .space { $0.alignment }),
  space(
    "uniformity", "uniformity/t-2/unit-rows/all-pairs",
    "log of the mean of exp(-2 squared distance) over all pairs of different rows of unit length; "
      + "0 if all are equal (Wang and Isola, 2020)", isLowerBetter: true, .space { $0.uniformity }),
  space(
    "mean-cosine", "mean-cosine/all-pairs",
    "mean cosine similarity over all pairs of different rows; 1 if all point one way",
    isLowerBetter: true, .space { $0.meanCosine }),
  space(
    "effective-rank", "effective-rank/singular-values/not-centred",
    "exp of the entropy of the singular values over their sum: how many directions are in use "
      + "(Roy and Vetterli, 2007)", .space { $0.effectiveRank }),
  space(
    "hubness", "hubness/k-occurrence-10/skewness/population",
    "skewness of how often each row is among the nearest 10 of another (Radovanović et al., 2010)",
    isLowerBetter: true, .spaceOfNearest { $0.occurrenceSkewness }),
  space(
    "intra-distance", "intra-distance/all-pairs/mean", "mean distance of matching pairs",
    isLowerBetter: true, .spaceOfPairs { $0.meanPositive }),
  space(
    "inter-distance", "inter-distance/all-pairs/mean", "mean distance of pairs that do not match",
    .spaceOfPairs { $0.meanNegative }),
]

private func space(
  _ name: String, _ id: String, _ definition: String, isLowerBetter: Bool = false,
  _ measure: MetricDescription.Measure
) -> Named<MetricDescription> {
  Named(
    name,
    MetricDescription(
      id: id, definition: definition, isLowerBetter: isLowerBetter, measure: measure))
}

private func retrieval(
  _ name: String, _ id: String, _ definition: String,
  _ measure: @escaping @Sendable (Ranks) -> Double
) -> Named<MetricDescription> {
  Named(name, MetricDescription(id: id, definition: definition, measure: .ranks(measure)))
}
