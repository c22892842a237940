import Autodiff
import Settings

/// How hard an index searches; each kind of index looks at what concerns it.
public struct SearchEffort: Sendable, Equatable {
  /// How many near vectors a graph follows.
  public var ef: Int
  /// How many lists of an inverted file are read.
  public var probes: Int

  public init(ef: Int = 64, probes: Int = 16) { (self.ef, self.probes) = (ef, probes) }
}

/// Vectors that can be searched.
public protocol VectorIndex: Sendable {
  var metric: ExactIndex.Metric { get }
  /// The width of a query.
  var dimension: Int { get }
  /// The number of vectors.
  var count: Int { get }

  /// Finds near vectors of each query, best first.
  ///
  /// - Parameters:
  ///   - queries: shape [m, dimension].
  ///   - count: how many to find; all that there are if there are fewer.
  func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors

  /// The vectors as the index holds them, which may be less precise than those that it was made of.
  func storedVectors() throws(Failure) -> Tensor

  /// Queries as the index compares them with its stored vectors.
  func compared(_ queries: Tensor) -> Tensor
}

extension VectorIndex {
  public func compared(_ queries: Tensor) -> Tensor { queries }

  public func search(_ queries: Tensor, count: Int) throws(Failure) -> Neighbors {
    try search(queries, count: count, effort: SearchEffort(), name: "queries")
  }
}

extension ExactIndex: VectorIndex {
  public func search(
    _ queries: Tensor, count: Int, effort _: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    try search(queries, count: count, name: name)
  }

  public func storedVectors() -> Tensor { vectors }
}

extension HNSWIndex: VectorIndex {
  public func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    try search(queries, count: count, ef: effort.ef, name: name)
  }

  public func storedVectors() -> Tensor { vectors }
}
