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
}

extension VectorIndex {
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

/// An index whose vectors have numbers of their own.
public struct IdentifiedIndex: VectorIndex {
  public let base: any VectorIndex
  /// The number of each vector.
  public let ids: [Int]

  public init(_ base: any VectorIndex, ids: [Int]) {
    precondition(
      ids.count == base.count, "IdentifiedIndex: \(ids.count) ids for \(base.count) vectors")
    (self.base, self.ids) = (base, ids)
  }

  public var metric: ExactIndex.Metric { base.metric }
  public var dimension: Int { base.dimension }
  public var count: Int { base.count }

  public func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let found = try base.search(queries, count: count, effort: effort, name: name)
    return Neighbors(
      countPerQuery: found.countPerQuery, ids: found.ids.map { ids[$0] }, scores: found.scores)
  }

  public func storedVectors() throws(Failure) -> Tensor { try base.storedVectors() }
}

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
    let rows = queries.shape[0]
    var keys = Array(repeating: HNSWKey(0, 0), count: rows * found)
    keys.withUnsafeMutableBufferPointer { keys in
      let keys = keys
      queries.withElements(of: Float.self) { queries in
        exact.vectors.withElements(of: Float.self) { vectors in
          guard let queries = queries.baseAddress, let vectors = vectors.baseAddress else { return }
          Parallel.forEachRange(rows, grain: 16) { range in
            for row in range {
              var top = TopKeys(count: found)
              let ids = candidates.ids[
                row * candidates.countPerQuery..<(row + 1) * candidates.countPerQuery
              ].map { UInt32($0) }
              top.offer(
                ids, from: queries + row * dimension, to: vectors, dimension: dimension,
                isSquared: metric == .l2)
              for (i, key) in top.keys.enumerated() { keys[row * found + i] = key }
            }
          }
        }
      }
    }
    return Neighbors(keys, countPerQuery: found, metric: metric)
  }

  public func storedVectors() -> Tensor { exact.vectors }
}

/// The nearest keys so far, in order.
struct TopKeys {
  private(set) var keys: [HNSWKey] = []
  private let count: Int

  init(count: Int) {
    self.count = count
    keys.reserveCapacity(count + 1)
  }

  mutating func offer(_ key: HNSWKey) {
    if keys.count == count {
      guard let last = keys.last, key < last else { return }
      keys.removeLast()
    }
    var (low, high) = (0, keys.count)
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    keys.insert(key, at: low)
  }

  /// Offers rows by their distance from a query.
  mutating func offer(
    _ rows: [UInt32], from query: UnsafePointer<Float>, to base: UnsafePointer<Float>,
    dimension: Int, isSquared: Bool
  ) {
    var distances = [Float](repeating: 0, count: rows.count)
    RowKernels<Float>().distances(
      &distances, from: query, to: base, rows: rows, count: rows.count, columns: dimension,
      isSquared: isSquared)
    for (row, distance) in zip(rows, distances) { offer(HNSWKey(distance, row)) }
  }
}

extension Neighbors {
  /// - Parameter keys: for each query `countPerQuery` of them, nearest first.
  init(_ keys: [HNSWKey], countPerQuery: Int, metric: ExactIndex.Metric) {
    self.init(
      countPerQuery: countPerQuery, ids: keys.map { Int($0.node) },
      scores: keys.map { metric == .l2 ? $0.distance : 0 - $0.distance })
  }
}
