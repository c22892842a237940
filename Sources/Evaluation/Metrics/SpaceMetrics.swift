import Settings

let spaceMetrics: [Named<MetricDescription>] = [
  space(
    "alignment", "alignment/squared/unit-rows/all-pairs",
    "mean squared distance of matching pairs, rows of unit length (Wang and Isola, 2020)",
    isLowerBetter: true, .space { $0.alignment }),
  space(
    "uniformity", "uniformity/t-2/unit-rows/all-pairs-of-at-most-8192-rows",
    "log of the mean of exp(-2 squared distance) over all pairs of different rows of unit length "
      + "(of 8192 rows, evenly spread, where there are more); 0 if all are equal (Wang and Isola, 2020)",
    isLowerBetter: true, .space { $0.uniformity }),
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
    isLowerBetter: true, .meanDistance { $0.positive }),
  space(
    "inter-distance", "inter-distance/all-pairs/mean", "mean distance of pairs that do not match",
    .meanDistance { $0.negative }),
  space(
    "isoscore", "isoscore/covariance/closed-form",
    "1 if the variance is the same in all directions, 0 if it is all in one: (P − 1) / (d − 1) with "
      + "P = trace(C)² / ‖C‖² (Rudman et al., 2022)", .space { $0.isoScore }),
  space(
    "spectral-decay", "spectral-decay/singular-values/not-centred/share-at-least-1e-12",
    "divergence of the uniform distribution from the singular values over their sum; 0 if all "
      + "directions are in use alike (Roth et al., 2020)", isLowerBetter: true,
    .space { $0.spectralDecay }),
  space(
    "intrinsic-dimension", "intrinsic-dimension/lid-mle/k-100/mean/at-most-1000-rows/zeros-dropped",
    "mean over rows of the dimension in which the number of neighbours grows as it does here, from "
      + "the nearest 100 (Levina and Bickel, 2004; Amsaleg et al., 2015)",
    .space { $0.intrinsicDimension }),
  space(
    "centre-distance", "centre-distance/mean",
    "mean distance of the rows from their mean; below 1 % of its value before training the space has "
      + "collapsed (Xu et al., 2022)", .space { $0.centreDistance }),
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
