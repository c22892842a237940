import Settings

/// Every miner, with its default settings.
public let allMiners: [Named<any Miner>] = [
  Named("batch-easy-hard", BatchEasyHardMiner()),
  Named("batch-hard", BatchHardMiner()),
  Named("multi-similarity", MultiSimilarityMiner()),
  Named("triplet-margin", TripletMarginMiner()),
]
