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

  /// Vectors whose products with a strip of queries stay in the cache.
  private static let blockVectors = 1024
  /// Queries that are compared with a block of vectors before the next, so that it is packed seldom.
  private static let roundQueries = 28 * Float.stripRows
  /// What the selections of a round may take, in keys.
  private static let roundKeys = 1 << 23

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
    let kept = min(baseCount, found + 8)
    guard kept > 0, queryCount > 0 else {
      return Neighbors(countPerQuery: found, ids: [], scores: [])
    }
    let capacity = TopSelection.capacity(kept: kept)
    let strip = Float.stripRows
    let fitting = max(1, ExactSearch.roundKeys / capacity / strip) * strip
    let height = min(queryCount, fitting, ExactSearch.roundQueries)
    let keys = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: height * capacity)
    defer { keys.deallocate() }
    var scores = Array(repeating: Float(0), count: queryCount * found)
    var ids = Array(repeating: 0, count: queryCount * found)
    scores.withUnsafeMutableBufferPointer { scores in
      ids.withUnsafeMutableBufferPointer { ids in
        guard let keys = keys.baseAddress, let scores = scores.baseAddress,
          let ids = ids.baseAddress
        else { return }
        for first in stride(from: 0, to: queryCount, by: height) {
          let round = first..<min(queryCount, first + height)
          collect(round, keys, kept: kept)
          rescore(round, keys, kept: kept, found: found, scores, ids)
        }
      }
    }
    return Neighbors(countPerQuery: found, ids: ids, scores: scores)
  }

  /// Selects the keys of the nearest vectors of each query: the first `kept` of its memory.
  private func collect(_ round: Range<Int>, _ keys: UnsafeMutablePointer<UInt64>, kept: Int) {
    guard let a = queries.baseAddress, let b = base.baseAddress else { return }
    let capacity = TopSelection.capacity(kept: kept)
    let placesBelow = PlacesBelow()
    var states = Array(repeating: TopSelection.State(), count: round.count)
    states.withUnsafeMutableBufferPointer { states in
      nonisolated(unsafe) let states = states
      offsets.withUnsafeBufferPointer { offsets in
        // An empty array may have an address too.
        let offsets = offsets.isEmpty ? nil : offsets.baseAddress
        for first in stride(from: 0, to: baseCount, by: ExactSearch.blockVectors) {
          let columns = min(ExactSearch.blockVectors, baseCount - first)
          let isLast = first + columns == baseCount
          Float.productStrips(
            a + round.lowerBound * dimension, b + first * dimension, m: round.count, n: columns,
            k: dimension
          ) { rows, products in
            for row in rows {
              var selection = TopSelection(
                keys + row * capacity, kept: kept, states[row], placesBelow)
              selection.offer(
                products + (row - rows.lowerBound) * columns, offsets.map { $0 + first },
                count: columns, firstID: first)
              if isLast { selection.select() }
              states[row] = selection.state
            }
          }
        }
      }
    }
  }

  /// Puts the selected ones in the order of their exact scores.
  private func rescore(
    _ round: Range<Int>, _ keys: UnsafeMutablePointer<UInt64>, kept: Int, found: Int,
    _ scores: UnsafeMutablePointer<Float>, _ ids: UnsafeMutablePointer<Int>
  ) {
    let capacity = TopSelection.capacity(kept: kept)
    let kernels = RowKernels<Float>()
    Parallel.forEachRange(round.count, grain: 16) { rows in
      guard let base = base.baseAddress, let queries = queries.baseAddress else { return }
      var places = [UInt32](repeating: 0, count: kept)
      var ranks = [Float](repeating: 0, count: kept)
      for row in rows {
        let query = round.lowerBound + row
        var chosen = UnsafeMutableBufferPointer(start: keys + row * capacity, count: kept)
        for i in 0..<kept { places[i] = UInt32(TopSelection.id(chosen[i])) }
        kernels.distances(
          &ranks, from: queries + query * dimension, to: base, rows: places, count: kept,
          columns: dimension, isSquared: metric != .innerProduct)
        // Adding 0 makes one zero of both.
        for i in 0..<kept { chosen[i] = TopSelection.key(ranks[i] + 0, Int(places[i])) }
        chosen.sort()
        for i in 0..<found {
          let rank = TopSelection.number(chosen[i])
          ids[query * found + i] = TopSelection.id(chosen[i])
          scores[query * found + i] = metric == .innerProduct ? 0 - rank : rank
        }
      }
    }
  }
}
