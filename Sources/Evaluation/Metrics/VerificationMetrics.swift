import Settings

let verificationMetrics: [Named<MetricDescription>] =
  [
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
    Named(
      "opis-worst-class",
      MetricDescription(
        id: "opis-worst-class/far-0.01-0.1/101-thresholds/mean-less-worst",
        definition: "mean utility of all classes less that of the worst class, over the same "
          + "thresholds",
        isLowerBetter: true, measure: .operatingCurves { $0.worstGap })),
    Named(
      "best-f1",
      MetricDescription(
        id: "best-f1/all-pairs/exact",
        definition: "the highest F1 = 2 TP / (2 TP + FP + FN) of any threshold on the distance of "
          + "pairs",
        measure: .pairs { $0.bestF1.score })),
    Named(
      "best-mcc",
      MetricDescription(
        id: "best-mcc/all-pairs/exact",
        definition: "the highest Matthews correlation of any threshold on the distance of pairs",
        measure: .pairs { $0.bestMCC.score })),
  ] + trueAcceptMetrics

let trueAcceptMetrics: [Named<MetricDescription>] = PairCurve.rates.enumerated().map {
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
