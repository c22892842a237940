import Settings

/// Every sampler, with its default settings.
public let allSamplers: [Named<any Sampler>] = [
  Named("class-balanced", ClassBalancedSampler()),
  Named("fixed-triplets", FixedTripletsSampler()),
  Named("hierarchical", HierarchicalSampler()),
  Named("m-per-class", MPerClassSampler()),
  Named("no-duplicates", NoDuplicatesSampler()),
]
