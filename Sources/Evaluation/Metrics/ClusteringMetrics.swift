import Settings

let clusteringMetrics: [Named<MetricDescription>] = [
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
]
