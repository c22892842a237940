import Settings

/// Every learner of a metric, with its default settings.
public let allLearners: [Named<any MetricLearner>] = [
  Named("covariance", CovarianceLearner()),
  Named("rca", RelevantComponents()),
  Named("lfda", LocalFisherDiscriminant()),
  Named("nca", NeighborhoodComponents()),
  Named("mlkr", KernelRegressionLearner()),
  Named("lmnn", LargeMarginNeighbors()),
  Named("itml", InformationTheoreticLearner()),
  Named("sdml", SparseDeterminantLearner()),
  Named("lsml", LeastSquaresLearner()),
  Named("mmc", ClusteringMetricLearner()),
  Named("scml", SparseCompositionalLearner()),
  Named("malts", MatchingStretch()),
  Named("ordinal-mds", OrdinalScaling()),
  Named("project-and-forget", ProjectAndForget()),
]
