import Settings

/// A metric in words, with the function that computes it.
public struct MetricDescription: Sendable {
  /// What a metric is computed from, and so what it costs.
  public enum Group: String, Sendable {
    /// The ranks of the matches of each query: one pass over all distances.
    case retrieval
    /// A clustering by k-means.
    case clustering
    /// All pairs with one threshold: up to three passes over all distances.
    case verification
    /// The rows in their space: sums over rows, and a pass over all distances.
    case space
  }

  /// Tells definitions apart that share a name: how self-matches, queries without a match,
  /// denominators and ties are handled.
  public let id: String
  /// The definition in a sentence.
  public let definition: String
  /// Which way is better, for targets and for choosing the best model.
  public let isLowerBetter: Bool
  let measure: Measure

  init(id: String, definition: String, isLowerBetter: Bool = false, measure: Measure) {
    (self.id, self.definition) = (id, definition)
    (self.isLowerBetter, self.measure) = (isLowerBetter, measure)
  }

  /// Whether a number of this metric is at least as good as another.
  public func isReached(_ target: Double, by value: Double) -> Bool {
    isLowerBetter ? value <= target : value >= target
  }

  enum Measure: Sendable {
    /// A mean over the queries that have a match, of a function of the ranks of the matches.
    case ranks(@Sendable (Ranks) -> Double)
    /// The same, averaged over the queries of each class first and then over the classes.
    case macroRanks(@Sendable (Ranks) -> Double)
    /// The nearest rows of each query.
    case nearest(@Sendable (NearestRows) -> Double?)
    case clusters(@Sendable (Contingency) -> Double)
    case pairs(@Sendable (PairCurve) -> Double?)
    case operatingCurves(@Sendable (OperatingCurves) -> Double)
    case space(@Sendable (Space) -> Double?)
    case spaceOfNearest(@Sendable (NearestRows) -> Double?)
    case meanDistance(@Sendable (MeanDistances) -> Double?)
  }

  /// Whether each query has a value of its own; see ``queryValues(_:in:metrics:distance:)``.
  public var isMeanOverQueries: Bool {
    if case .ranks = measure { true } else { false }
  }

  /// The same as a mean over classes of the mean over their queries; nil for other metrics.
  var macro: MetricDescription? {
    guard case .ranks(let measure) = self.measure else { return nil }
    return MetricDescription(
      id: id + "/mean-of-classes",
      definition: definition + "; for each class, averaged over the classes",
      isLowerBetter: isLowerBetter, measure: .macroRanks(measure))
  }

  public var group: Group {
    switch measure {
    case .ranks, .macroRanks, .nearest: .retrieval
    case .clusters: .clustering
    case .pairs, .operatingCurves: .verification
    case .space, .spaceOfNearest, .meanDistance: .space
    }
  }
}
