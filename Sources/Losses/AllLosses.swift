import Settings

/// Every loss, with its default settings.
public let allLosses: [Named<any Loss>] = [
  Named("arc-face", ArcFaceLoss()),
  Named("contrastive", ContrastiveLoss()),
  Named("multi-similarity", MultiSimilarityLoss()),
  Named("normalized-softmax", NormalizedSoftmaxLoss()),
  Named("proxy-anchor", ProxyAnchorLoss()),
  Named("proxy-nca", ProxyNCALoss()),
  Named("threshold-consistent-margin", ThresholdConsistentMarginLoss()),
  Named("triplet-margin", TripletMarginLoss()),
]
