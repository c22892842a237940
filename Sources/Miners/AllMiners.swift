import Settings

/// Every miner, with its default settings.
public let allMiners: [Named<any Miner>] = [
  Named("angular", AngularMiner()),
  Named("batch-easy-hard", BatchEasyHardMiner()),
  Named("batch-hard", BatchHardMiner()),
  Named("hdc", HDCMiner()),
  Named("multi-similarity", MultiSimilarityMiner()),
  Named("pair-margin", PairMarginMiner()),
  Named("triplet-margin", TripletMarginMiner()),
]
