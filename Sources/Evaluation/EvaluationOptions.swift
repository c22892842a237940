import Settings

/// What to measure, and how.
public struct EvaluationOptions: Configurable {
  /// How far apart two embeddings are.
  public enum Distance: String, CaseIterable, Sendable {
    /// Of the vectors as they are given.
    case euclidean
    /// √(2 − 2 cosine similarity), which is Euclidean after every row was divided by its length. A
    /// row of zeros has cosine 0 with every other, one of zeros too.
    case cosine
  }

  public var distance = Distance.euclidean
  /// Names out of ``allMetrics``, in the order in which they are returned.
  public var metrics = allMetrics.map(\.name)
  /// Where k-means begins, for the metrics of clusters.
  public var seed = 0

  /// The cluster of each query, to be judged instead of those of k-means; any whole numbers.
  public var clusters: [Int]?

  /// Without given clusters and with more work than this, multiplications of all rounds of k-means,
  /// there are no metrics of clusters.
  public var clusteringLimit = Double.infinity

  public init() {}

  public static var settings: [Setting<Self>] {
    [
      Setting("distance", \.distance, "how far apart two embeddings are"),
      Setting("metrics", \.metrics, "what to measure, out of the list of metrics"),
      Setting("seed", \.seed, "where k-means begins, for the metrics of clusters"),
    ]
  }

  /// Only what one pass over the distances gives: for evaluations during training.
  public static var retrieval: EvaluationOptions {
    var options = EvaluationOptions()
    options.metrics = allMetrics.filter { $0.value.group == .retrieval }.map(\.name)
    return options
  }
}
