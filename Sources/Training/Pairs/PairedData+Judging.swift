import Autodiff
import Data
import Evaluation
import Index
import Models
import Settings

extension PairedData {
  /// Judges encoders on some queries, among all documents.
  func judge(
    _ encoders: PairEncoders, on queries: [Int], _ recipe: PairRecipe
  ) throws(Failure) -> Evaluation {
    try judge(
      try encoders[.query].embedded(queries, of: self.queries),
      among: try embeddedDocuments(by: encoders), on: queries, recipe)
  }

  /// The embeddings of all documents.
  func embeddedDocuments(by encoders: PairEncoders) throws(Failure) -> Tensor {
    try encoders[.document].embedded(Array(0..<documents.count), of: documents)
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
