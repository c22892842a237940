import Settings

/// Every problem on the pairs of given points.
public let allGraphProblems: [Named<any GraphProblem>] = [
  Named("metric-nearness", NearestMetric()),
  Named("correlation-clustering", SignedClusters()),
]
