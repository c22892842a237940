import Settings

/// Every loss over columns of rows that belong together, with its default settings.
public let allColumnLosses: [Named<any ColumnLoss>] = [
  Named("angle", AngleLoss()),
  Named("contrastive-pairs", ContrastivePairsLoss()),
  Named("contrastive-tension", ContrastiveTensionLoss()),
  Named("contrastive-tension-in-batch", ContrastiveTensionInBatchLoss()),
  Named("cosent", CoSENTLoss()),
  Named("cosine-similarity", CosineSimilarityLoss()),
  Named("distill-kl", DistillKLLoss()),
  Named("embedding-distillation", EmbeddingDistillationLoss()),
  Named("guided-ranking", GuidedRankingLoss()),
  Named("margin-mse", MarginMSELoss()),
  Named("mega-batch-margin", MegaBatchMarginLoss()),
  Named("multiple-negatives-ranking", MultipleNegativesRankingLoss()),
  Named("online-contrastive", OnlineContrastiveLoss()),
  Named("pair-softmax", PairSoftmaxLoss()),
  Named("triplet-columns", TripletColumnsLoss()),
]

/// Every modifier of losses over columns, with its default settings.
public let allColumnModifiers: [Named<any ColumnModifier>] = [
  Named("flops", FlopsColumns()),
  Named("global-orthogonal", GlobalOrthogonalColumns()),
  Named("matryoshka", MatryoshkaColumns()),
  Named("splade", SpladeColumns()),
]
