import Autodiff
import Settings

extension ExportOptions {
  /// An index with all that goes around it: the adapter, a reduction, exact vectors to compare
  /// candidates by, and ids.
  ///
  /// From the outside in: ids, the adapter, refinement, the reduction, and the index that `base`
  /// makes of the reduced vectors.
  package func composed(
    _ vectors: Tensor, _ metric: ExactIndex.Metric, _ progress: BuildProgress,
    base: (Tensor) throws(Failure) -> any VectorIndex
  ) throws(Failure) -> any VectorIndex {
    let reduction = try LinearReduction(
      reduction, of: vectors, to: dimension, metric: metric, queries: queries, seed: graph.seed,
      onProgress: progress)
    var index = try base(reduction.vectorTransforms.applied(to: vectors))
    if !reduction.queryTransforms.isEmpty {
      index = TransformedIndex(reduction.queryTransforms, index)
    }
    if refine > 0 {
      index = RefinedIndex(index, exact: try ExactIndex(vectors, metric: metric), factor: refine)
    }
    if !adapter.isEmpty { index = TransformedIndex(adapter, index) }
    return ids.isEmpty ? index : IdentifiedIndex(index, ids: ids)
  }

  /// Fails if there is a setting that only formats of FAISS have a place for.
  func checkPlain() throws(Failure) {
    let extra = [
      reduction != .none ? "reduction" : nil, refine > 0 ? "refine" : nil,
      adapter.isEmpty ? nil : "--adapter",
    ].compactMap { $0 }
    guard let first = extra.first else { return }
    throw Failure(
      .badUsage, at: first, "this format has no place for it",
      expected: "a format that begins with faiss-", remedy: "take --format faiss-hnsw, for example")
  }

  func checkIDs(for count: Int) throws(Failure) {
    guard ids.isEmpty || ids.count == count else {
      throw Failure(
        .badData, at: "--ids", "there are \(ids.count) ids", expected: "\(count), one a vector")
    }
    guard Set(ids).count == ids.count else {
      throw Failure(
        .badData, at: "--ids", "an id occurs twice", remedy: "give every vector an id of its own")
    }
  }
}
