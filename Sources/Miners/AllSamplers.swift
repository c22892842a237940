import Settings

/// Every sampler, with its default settings.
public let allSamplers: [Named<any Sampler>] = [
  Named("m-per-class", MPerClassSampler())
]
