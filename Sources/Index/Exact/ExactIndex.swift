import Autodiff
import Settings

/// Vectors that are searched by comparing every one of them with the query.
public struct ExactIndex: Sendable {
  /// What near means.
  public enum Metric: String, CaseIterable, Sendable {
    /// The largest inner product; the cosine similarity for rows of unit length.
    case innerProduct = "inner-product"
    /// The smallest Euclidean distance.
    case l2
  }

  /// Shape [n, d], float32; a vector's id is its row.
  public let vectors: Tensor
  public let metric: Metric

  /// - Throws: if the vectors are not a matrix of finite float32 numbers (after conversion).
  public init(_ vectors: Tensor, metric: Metric, name: String = "vectors") throws(Failure) {
    self.vectors = try vectors.checkedVectors(name: name)
    self.metric = metric
  }

  public var count: Int { vectors.shape[0] }
  public var dimension: Int { vectors.shape[1] }
}

/// What a search found: for each query the same number of neighbours, best first.
public struct Neighbors: Sendable, Equatable {
  /// Neighbours per query: what was asked for, or all vectors if there are fewer.
  public let countPerQuery: Int
  /// Rows of the index, query by query.
  public let ids: [Int]
  /// Inner products (larger is nearer) or squared Euclidean distances (smaller is nearer), as
  /// FAISS returns them.
  public let scores: [Float]

  public subscript(query: Int) -> [(id: Int, score: Float)] {
    (query * countPerQuery..<(query + 1) * countPerQuery).map { (ids[$0], scores[$0]) }
  }
}

extension ExactIndex {
  /// Finds the nearest vectors of each query; of equally near ones the smaller id comes first.
  ///
  /// - Parameters:
  ///   - queries: shape [m, d].
  ///   - count: how many to find; all of them if there are fewer.
  /// - Complexity: O(m n d) time; memory for the result and one block of products.
  public func search(_ queries: Tensor, count: Int, name: String = "queries") throws(Failure)
    -> Neighbors
  {
    let queries = try queries.checkedQueries(dimension: dimension, count: count, name: name)
    return vectors.withElements(of: Float.self) { base in
      queries.withElements(of: Float.self) { queries in
        ExactSearch(base, queries, dimension: dimension, metric: metric).run(count: count)
      }
    }
  }
}

extension Tensor {
  /// A matrix of finite float32 numbers, or a failure that says what is not.
  func checkedVectors(name: String) throws(Failure) -> Tensor {
    guard shape.count == 2, shape[1] > 0 else {
      throw Failure(
        .badData, at: name, "the vectors have shape \(shape)",
        expected: "[rows, columns] with at least one column")
    }
    let vectors = converted(to: .float32)
    let bad = vectors.withElements(of: Float.self) { $0.firstIndex { !$0.isFinite } }
    if let bad {
      throw Failure(
        .badData, at: "\(name): row \(bad / shape[1]), column \(bad % shape[1])",
        "this is not a finite float32 number", remedy: "remove the row or mend it")
    }
    return vectors
  }
}
