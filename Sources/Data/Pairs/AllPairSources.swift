import Settings

/// Every data set of queries and documents, with its default settings.
public let allPairSources: [Named<any PairSource>] = [
  Named("vector-pairs", VectorPairs()),
  Named("generated-pairs", GeneratedPairs()),
  Named("texts", TextPairs()),
]
