import Autodiff
import Settings

/// An index whose candidates are compared again by exact vectors.
public struct RefinedIndex: VectorIndex {
  public let base: any VectorIndex
  public let exact: ExactIndex
  /// Candidates for each neighbour that is asked for.
  public let factor: Int

  public init(_ base: any VectorIndex, exact: ExactIndex, factor: Int) {
    precondition(base.count == exact.count, "RefinedIndex: two counts of vectors")
    (self.base, self.exact, self.factor) = (base, exact, max(1, factor))
  }

  public var metric: ExactIndex.Metric { exact.metric }
  public var dimension: Int { exact.dimension }
  public var count: Int { exact.count }

  public func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: count, name: name)
    let (wide, overflow) = count.multipliedReportingOverflow(by: factor)
    let candidates = try base.search(
      queries, count: overflow ? self.count : wide, effort: effort, name: name)
    let found = min(count, candidates.countPerQuery)
    let each = candidates.countPerQuery
    let keys = queries.nearestKeys(count: found, grain: 16) { row, query in
      exact.vectors.withElements(of: Float.self) { vectors in
        var top = TopKeys(count: found)
        guard let base = vectors.baseAddress else { return top }
        top.offer(
          candidates.ids[row * each..<(row + 1) * each].map { UInt32($0) }, from: query, to: base,
          dimension: dimension, isSquared: metric == .l2)
        return top
      }
    }
    return Neighbors(keys, countPerQuery: found, metric: metric)
  }

  public func storedVectors() -> Tensor { exact.vectors }
}
