import Settings

/// Every loss, with its default settings.
public let allLosses: [Named<any Loss>] = [
  Named("arc-face", ArcFaceLoss()),
  Named("circle", CircleLoss()),
  Named("contrastive", ContrastiveLoss()),
  Named("cos-face", CosFaceLoss()),
  Named("generalized-lifted-structure", GeneralizedLiftedStructureLoss()),
  Named("intra-pair-variance", IntraPairVarianceLoss()),
  Named("lifted-structure", LiftedStructureLoss()),
  Named("multi-similarity", MultiSimilarityLoss()),
  Named("n-pairs", NPairsLoss()),
  Named("nca", NCALoss()),
  Named("normalized-softmax", NormalizedSoftmaxLoss()),
  Named("nt-xent", NTXentLoss()),
  Named("proxy-anchor", ProxyAnchorLoss()),
  Named("proxy-nca", ProxyNCALoss()),
  Named("ranked-list", RankedListLoss()),
  Named("snr-contrastive", SNRContrastiveLoss()),
  Named("supervised-contrastive", SupervisedContrastiveLoss()),
  Named("threshold-consistent-margin", ThresholdConsistentMarginLoss()),
  Named("triplet-margin", TripletMarginLoss()),
  Named("tuplet-margin", TupletMarginLoss()),
]
