import Settings

/// Every sampler, with its default settings.
public let allSamplers: [Named<any Sampler>] = [
  Named("class-balanced", ClassBalancedSampler()),
  Named("coreset", CoresetSampler()),
  Named("fixed-triplets", FixedTripletsSampler()),
  Named("hardness-weighted", HardnessWeightedSampler()),
  Named("hierarchical", HierarchicalSampler()),
  Named("imbalance-aware", ImbalanceAwareSampler()),
  Named("m-per-class", MPerClassSampler()),
  Named("no-duplicates", NoDuplicatesSampler()),
  Named("topic-clustered", TopicClusteredSampler()),
]
