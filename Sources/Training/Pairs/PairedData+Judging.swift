import Autodiff
import Data
import Evaluation
import Index
import Models
import Settings

extension SideItems {
  /// The embeddings of some items, [rows, embedding], computed in batches.
  ///
  /// - Throws: if an embedding is NaN or infinite.
  func embedded(_ rows: [Int], with encoder: Encoder) throws(Failure) -> Tensor {
    guard !encoder.layers.isEmpty else { return vectors.rows(at: rows) }
    var parts: [Tensor] = []
    for start in stride(from: 0, to: rows.count, by: 1024) {
      let some = Array(rows[start..<min(rows.count, start + 1024)])
      parts.append(
        try encoder.checkedEmbeddings(vectors.rows(at: some), names: some.map { itemName($0) }))
    }
    guard !parts.isEmpty else {
      return Tensor(zeros: [0, encoder.embeddingSize], dtype: .float32)
    }
    return Tensor.concatenated(parts)
  }

  /// The embeddings of all items.
  func embedded(with encoder: Encoder) throws(Failure) -> Tensor {
    try embedded(Array(0..<count), with: encoder)
  }
}

extension PairedData {
  /// Judges encoders on some queries, among all documents.
  func judge(
    _ encoders: PairEncoders, on queries: [Int], _ recipe: PairRecipe
  ) throws(Failure) -> Evaluation {
    try judge(
      try self.queries.embedded(queries, with: encoders[.query]),
      among: try documents.embedded(with: encoders[.document]), on: queries, recipe)
  }

  /// Judges embeddings of some queries among those of all documents.
  ///
  /// Documents that are equally near stand by their rows.
  func judge(
    _ embeddings: Tensor, among documents: Tensor, on queries: [Int], _ recipe: PairRecipe
  ) throws(Failure) -> Evaluation {
    var depth = 1
    for name in recipe.metrics {
      depth = max(depth, try corpusMetric(named: name, at: "metrics").depth)
    }
    return try evaluateRankings(
      try rankings(embeddings, among: documents, count: depth, recipe),
      answers: queries.map { positives[$0] }, metrics: recipe.metrics)
  }

  /// The nearest documents of each embedding of a query, the nearest first.
  func rankings(
    _ embeddings: Tensor, among documents: Tensor, count: Int, _ recipe: PairRecipe
  ) throws(Failure) -> [[Int]] {
    let index = try ExactIndex(
      documents, metric: .innerProduct, isCosine: recipe.similarity == .cosine,
      name: self.documents.name)
    let found = try index.search(embeddings, count: count, name: self.queries.name)
    return (0..<embeddings.shape[0]).map { place in
      Array(found.ids[place * found.countPerQuery..<(place + 1) * found.countPerQuery])
    }
  }
}
