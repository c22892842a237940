import Autodiff
import Foundation
import Index

/// A neighbour in the order that an adapter gives.
public struct RerankedNeighbor: Sendable, Equatable {
  public var id: Int
  /// The index's own score.
  public var score: Double
  /// ½ (1 + cos(q, c)) P(relevant)^λ.
  public var relevance: Double
}

extension FalseNegativeAdapter {
  /// The best of each query's neighbours by s = ½ (1 + cos(q, c)) P(relevant)^λ, best first; of
  /// equally good ones the nearer comes first.
  ///
  /// P(relevant) is that of the two classes that are relevant. (That the base score is ½ (1 + cos),
  /// which is never negative, and that both classes count, are our choices.)
  /// - Parameters:
  ///   - found: what an index retrieved, best first.
  ///   - queries: [queries, width].
  ///   - vectors: the vectors of the ids of one query, [ids, width].
  ///   - power: λ; 0 orders by the cosine alone.
  /// - Reference: Kim, *RRRA: Resampling and Reranking through a Retriever Adapter* (2025).
  public func reranked(
    _ found: Neighbors, of queries: Tensor, vectors: (_ ids: [Int]) -> Tensor, count: Int,
    power: Double
  ) -> [[RerankedNeighbor]] {
    (0..<queries.shape[0]).map { query in
      let own = found[query]
      guard !own.isEmpty else { return [] }
      let candidates = vectors(own.map(\.id)).converted(to: .float32).withUnitRows()
      let repeated = queries.rows(at: Array(repeating: query, count: own.count))
        .converted(to: .float32).withUnitRows()
      let cosines = (repeated * candidates).sumOverColumns().elements(as: Double.self)
      let relevant = falseNegatives(queries: repeated, candidates: candidates)
      let all = own.indices.map { i in
        RerankedNeighbor(
          id: own[i].id, score: own[i].score,
          relevance: max(0, (1 + cosines[i]) / 2) * pow(max(0, relevant[i]), power))
      }
      // The order of the index decides ties, which `sorted` of the standard library keeps.
      return Array(all.sorted { $0.relevance > $1.relevance }.prefix(count))
    }
  }
}

extension Neighbors {
  /// The same in the order of the index, for whom has no adapter: a list for each query, empty where
  /// there is nothing to find.
  public func asFound(queries: Int) -> [[RerankedNeighbor]] {
    (0..<queries).map { query in
      self[query].map { RerankedNeighbor(id: $0.id, score: $0.score, relevance: 0) }
    }
  }
}
