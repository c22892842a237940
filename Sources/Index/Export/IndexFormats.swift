import Autodiff
import Files
import Settings

// Formats of indexes; those of FAISS have room for a reduction, an adapter, exact vectors and ids.

extension ExportFormat {
  static let hnsw = ExportFormat(
    "a graph of Kindred, checksummed and searched where it lies; opened by kindred search",
    fileExtension: "hnsw"
  ) { (vectors, metric, options, progress) throws(Failure) in
    guard options.ids.isEmpty else {
      throw Failure(
        .badUsage, at: "--ids", "'hnsw' knows vectors by their row only",
        expected: "hnswlib, usearch or a format that begins with faiss-",
        remedy: "take one of these for --ids and --shards")
    }
    return try graph(vectors, metric, options, progress).bytes()
  }

  static let hnswlib = ExportFormat(
    "the same graph for hnswlib; load_index with the space ip or l2, then set_ef",
    fileExtension: "bin"
  ) { (vectors, metric, options, progress) throws(Failure) in
    HNSWLibrary.bytes(
      try graph(vectors, metric, options, progress), ids: options.ids.isEmpty ? nil : options.ids)
  }

  static let usearch = ExportFormat(
    "the same graph for USearch 2.10 and later; opened by usearch.index.Index.restore",
    fileExtension: "usearch"
  ) { (vectors, metric, options, progress) throws(Failure) in
    try USearchFile.bytes(
      try graph(vectors, metric, options, progress), ids: options.ids.isEmpty ? nil : options.ids)
  }

  static let faissFlat = faiss("an exact index with row numbers as ids") {
    (vectors, metric, _, _) throws(Failure) in try ExactIndex(vectors, metric: metric)
  }

  static let faissMapped = mapped("an exact index with ids (IDMap)", isTwoWay: false)
  static let faissMappedBothWays = mapped(
    "an exact index with ids, which finds vectors by them too (IDMap2)", isTwoWay: true)

  static let faissTransform = faiss(
    "an exact index behind a reduction or, without one, behind normalisation to unit length "
      + "(PreTransform)"
  ) { (vectors, metric, options, _) throws(Failure) in
    guard options.reduction == .none, options.adapter.isEmpty else {
      return try ExactIndex(vectors, metric: metric)
    }
    return TransformedIndex(
      [.unitLength(vectors.shape[1])], try ExactIndex(vectors.normalizedRows(), metric: metric))
  }

  static let faissHNSW = faiss("the same graph as HNSW-flat") {
    (vectors, metric, options, progress) throws(Failure) in
    try graph(vectors, metric, options, progress)
  }

  static let faissInvertedFlat = faiss(
    "lists around centres (IVF-flat), of which a search reads some"
  ) { (vectors, metric, options, _) throws(Failure) in
    try InvertedIndex(
      vectors, metric: metric, lists: options.lists == 0 ? nil : options.lists,
      probes: options.probes, seed: options.graph.seed)
  }

  static let faissProduct = faiss("a few bytes a vector (PQ)") {
    (vectors, metric, options, _) throws(Failure) in
    try ProductIndex(vectors, metric: metric, parts: options.parts, seed: options.graph.seed)
  }

  static let faissRotatedProduct = faiss(
    "a few bytes a vector behind a rotation that was learned for them (OPQ)"
  ) { (vectors, metric, options, _) throws(Failure) in
    let rotation = try ProductIndex.rotation(
      for: vectors, parts: options.parts, seed: options.graph.seed)
    let product = try ProductIndex(
      vectors.timesTransposed(rotation), metric: metric, parts: options.parts,
      seed: options.graph.seed)
    return TransformedIndex([.linear(rotation, bias: nil)], product)
  }

  static let faissScalar = faiss("a byte a number (SQ8)") {
    (vectors, metric, _, _) throws(Failure) in try ScalarIndex(vectors, metric: metric)
  }

  /// A format of FAISS for an index of vectors, which may have been reduced.
  private static func faiss(
    _ summary: String,
    _ base:
      @escaping @Sendable (
        Tensor, ExactIndex.Metric, ExportOptions, BuildProgress
      ) throws(Failure) -> any VectorIndex
  ) -> ExportFormat {
    ExportFormat(
      summary + "; opened by faiss.read_index", fileExtension: "faiss", isComposed: true
    ) {
      (vectors, metric, options, progress) throws(Failure) in
      try FaissFile.bytes(
        try options.composed(vectors, metric, progress) { (vectors) throws(Failure) in
          try base(vectors, metric, options, progress)
        })
    }
  }

  private static func mapped(_ summary: String, isTwoWay: Bool) -> ExportFormat {
    ExportFormat(
      summary + "; opened by faiss.read_index", fileExtension: "faiss", isComposed: true
    ) {
      (vectors, metric, options, progress) throws(Failure) in
      var inner = options
      if inner.ids.isEmpty { inner.ids = (0..<vectors.shape[0]).map { $0 + options.firstID } }
      let ids = inner.ids
      inner.ids = []
      let index = try inner.composed(vectors, metric, progress) { (vectors) throws(Failure) in
        try ExactIndex(vectors, metric: metric)
      }
      return try FaissFile.bytes(IdentifiedIndex(index, ids: ids, isTwoWay: isTwoWay))
    }
  }

  private static func graph(
    _ vectors: Tensor, _ metric: ExactIndex.Metric, _ options: ExportOptions,
    _ progress: BuildProgress
  ) throws(Failure) -> HNSWIndex {
    try HNSWIndex(
      vectors, metric: metric, settings: options.graph,
      labels: options.labels.isEmpty ? nil : options.labels, onProgress: progress)
  }
}
