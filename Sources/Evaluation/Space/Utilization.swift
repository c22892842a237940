import Autodiff
import Settings

/// How near to some training item each test item lies: the mean over the queries of the least squared
/// distance to a row of the training embeddings.
///
/// u(Q, X) = (1 / |Q|) Σ_q min_x ‖q − x‖². Low where training has covered the part of the space that
/// new items use; mixing embeddings during training lowers it. (Squared rather than plain distance is
/// a reconstruction.)
///
/// Source: Venkataramanan et al., It Takes Two to Tango: Mixup for Deep Metric Learning, 2022.
/// - Throws: if the embeddings do not fit each other or are not finite.
/// - Complexity: O(n m d) time.
public func utilization(of query: Tensor, by training: Tensor) throws(Failure) -> Double {
  let sets = [query, training].map {
    EmbeddingSet(embeddings: $0, labels: [Int](repeating: 0, count: $0.shape.first ?? 0))
  }
  for set in sets { try set.check() }
  guard query.shape[1] == training.shape[1] else {
    throw Failure(
      .badData, at: "training embeddings", "the rows have \(training.shape[1]) numbers",
      expected: "\(query.shape[1]), as the others have")
  }
  let rows = LabeledRows<Double>.prepare(sets, distance: .euclidean)
  let sums = DistanceRows(query: rows[0], gallery: rows[1], isSelf: false).reduce(0.0) {
    $0 += Double($2.min() ?? 0)
  }
  return sums.reduce(0, +) / Double(query.shape[0]) * rows[0].scale * rows[0].scale
}

/// Tells definitions of ``utilization(of:by:)`` apart.
public let utilizationDefinition = "utilization/mean-least-squared-distance/to-training-items"
