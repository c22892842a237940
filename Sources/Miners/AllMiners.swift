import Settings

/// Every miner, with its default settings.
public let allMiners: [Named<any Miner>] = [
  Named("already-packaged", AlreadyPackagedMiner()),
  Named("angular", AngularMiner()),
  Named("balanced-margin", BalancedMarginMiner()),
  Named("batch-easy-hard", BatchEasyHardMiner()),
  Named("batch-hard", BatchHardMiner()),
  Named("distance-weighted", DistanceWeightedMiner()),
  Named("hard-cluster", HardClusterMiner()),
  Named("hdc", HDCMiner()),
  Named("multi-similarity", MultiSimilarityMiner()),
  Named("n-hardest", NHardestMiner()),
  Named("pair-margin", PairMarginMiner()),
  Named("random", RandomMiner()),
  Named("rho-distance", RhoDistanceMiner()),
  Named("soft-hard", SoftHardMiner()),
  Named("triplet-margin", TripletMarginMiner()),
  Named("uniform-histogram", UniformHistogramMiner()),
]
