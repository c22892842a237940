import Autodiff
import Settings

/// An index whose vectors have numbers of their own.
public struct IdentifiedIndex: VectorIndex {
  public let base: any VectorIndex
  /// The number of each vector.
  public let ids: [Int]
  /// Whether FAISS is to find vectors by their number too (IDMap2).
  public let isTwoWay: Bool

  public init(_ base: any VectorIndex, ids: [Int], isTwoWay: Bool = false) {
    precondition(
      ids.count == base.count, "IdentifiedIndex: \(ids.count) ids for \(base.count) vectors")
    (self.base, self.ids, self.isTwoWay) = (base, ids, isTwoWay)
  }

  /// An index whose ids are given, or the index alone if they are the row numbers.
  static func around(_ base: any VectorIndex, ids: [Int]) -> any VectorIndex {
    ids == Array(0..<base.count) ? base : IdentifiedIndex(base, ids: ids)
  }

  public var metric: ExactIndex.Metric { base.metric }
  public var dimension: Int { base.dimension }
  public var count: Int { base.count }

  public func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    // Of equally near vectors the smaller id comes first, not the smaller row.
    let found =
      if let exact = base as? ExactIndex {
        try exact.search(queries, count: count, ids: ids, name: name)
      } else {
        try base.search(queries, count: count, effort: effort, name: name)
      }
    return Neighbors(
      countPerQuery: found.countPerQuery, ids: found.ids.map { ids[$0] }, scores: found.scores)
  }

  public func storedVectors() throws(Failure) -> Tensor { try base.storedVectors() }

  public func compared(_ queries: Tensor) -> Tensor { base.compared(queries) }
}
