import Autodiff

/// A search of many queries at once: products in blocks, each read while it is in the cache.
///
/// Products choose the candidates; the scores of the few that are kept are then computed again in
/// one fixed order, so that they do not depend on the blocks and equal vectors are at distance 0.
struct ExactSearch {
  private let base, queries: UnsafeBufferPointer<Float>
  private let dimension, baseCount, queryCount: Int
  private let metric: ExactIndex.Metric
  /// ½‖v‖² for distances; empty for inner products.
  private let offsets: [Float]

  /// Queries and vectors of one block of products.
  private static let (blockQueries, blockVectors) = (512, 2048)

  init(
    _ base: UnsafeBufferPointer<Float>, _ queries: UnsafeBufferPointer<Float>, dimension: Int,
    metric: ExactIndex.Metric
  ) {
    (self.base, self.queries, self.dimension, self.metric) = (base, queries, dimension, metric)
    (baseCount, queryCount) = (base.count / dimension, queries.count / dimension)
    offsets =
      metric == .innerProduct
      ? []
      : (0..<baseCount).map { row in
        base[row * dimension..<(row + 1) * dimension].reduce(0) { $0 + $1 * $1 } / 2
      }
  }

  func run(count: Int) -> Neighbors {
    let found = min(count, baseCount)
    // A few more than are asked for, since the rounding of products may swap near-equal ones.
    let kept = min(baseCount, metric == .l2 ? found + 8 : found)
    guard kept > 0, queryCount > 0 else {
      return Neighbors(countPerQuery: found, ids: [], scores: [])
    }
    let heaps = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: queryCount * kept)
    defer { heaps.deallocate() }
    collect(heaps, kept: kept)

    var scores = Array(repeating: Float(0), count: queryCount * found)
    var ids = Array(repeating: 0, count: queryCount * found)
    scores.withUnsafeMutableBufferPointer { scores in
      ids.withUnsafeMutableBufferPointer { ids in
        let (scores, ids) = (scores, ids)
        Parallel.forEachRange(queryCount, grain: 16) { range in
          for query in range {
            let keys = heaps[query * kept..<(query + 1) * kept].map { key in
              let id = Int(UInt32(truncatingIfNeeded: key))
              return TopHeap.key(rank(of: exactScore(query, id)), id)
            }.sorted()
            for (i, key) in keys.prefix(found).enumerated() {
              let id = Int(UInt32(truncatingIfNeeded: key))
              ids[query * found + i] = id
              scores[query * found + i] = exactScore(query, id)
            }
          }
        }
      }
    }
    return Neighbors(countPerQuery: found, ids: ids, scores: scores)
  }

  /// Smaller is nearer, whatever the metric.
  private func rank(of score: Float) -> Float { metric == .innerProduct ? 0 - score : score }

  /// Fills one heap per query with the keys of its nearest vectors.
  private func collect(_ heaps: UnsafeMutableBufferPointer<UInt64>, kept: Int) {
    let height = min(ExactSearch.blockQueries, queryCount)
    let width = min(ExactSearch.blockVectors, baseCount)
    let block = UnsafeMutableBufferPointer<Float>.allocate(capacity: height * width)
    defer { block.deallocate() }
    guard let c = block.baseAddress, let a = queries.baseAddress, let b = base.baseAddress,
      let heapBase = heaps.baseAddress
    else { return }
    offsets.withUnsafeBufferPointer { offsets in
      // An empty array may have an address too.
      let offsets = offsets.isEmpty ? nil : offsets.baseAddress
      for start in stride(from: 0, to: queryCount, by: height) {
        let rows = min(height, queryCount - start)
        for first in stride(from: 0, to: baseCount, by: width) {
          let columns = min(width, baseCount - first)
          Float.product(
            c, a + start * dimension, b + first * dimension, m: rows, n: columns, k: dimension,
            transposingA: false, transposingB: true, adding: false)
          Parallel.forEachRange(rows, grain: 32) { range in
            for row in range {
              var heap = TopHeap(
                heapBase + (start + row) * kept, capacity: kept, count: min(first, kept))
              heap.offer(
                c + row * columns, offsets.map { $0 + first }, count: columns,
                firstID: first)
            }
          }
        }
      }
    }
  }

  private func exactScore(_ query: Int, _ id: Int) -> Float {
    guard let q = queries.baseAddress, let v = base.baseAddress else { return 0 }
    let (x, y) = (q + query * dimension, v + id * dimension)
    var sums = SIMD8<Float>.zero
    var i = 0
    if metric == .innerProduct {
      while i + 8 <= dimension {
        sums += load(x + i) * load(y + i)
        i += 8
      }
      return (i..<dimension).reduce(sums.sum()) { $0 + x[$1] * y[$1] }
    }
    while i + 8 <= dimension {
      let difference = load(x + i) - load(y + i)
      sums += difference * difference
      i += 8
    }
    return (i..<dimension).reduce(sums.sum()) { $0 + (x[$1] - y[$1]) * (x[$1] - y[$1]) }
  }

  @inline(__always)
  private func load(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
  }
}
