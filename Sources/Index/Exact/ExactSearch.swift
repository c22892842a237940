import Autodiff

/// A search of many queries at once: products in blocks, each read while it is in the cache.
///
/// Float32 products of the rows in a frame choose some candidates of each query; their scores are then
/// computed in float64, from the numbers as they are, in one fixed order. Where the error of the
/// products leaves open that other rows are among the nearest (``ExactBound``), a second pass looks at
/// all that may be. So what is found does not depend on blocks, threads or the instruction set.
struct ExactSearch<S: Scalar> {
  private let base: UnsafeBufferPointer<S>
  private let frame: ExactFrame
  private let dimension, baseCount: Int
  private let metric: ExactIndex.Metric
  private let ids: [Int]?

  /// Queries that are compared with a block of vectors before the next, so that it is packed seldom.
  private static var roundQueries: Int { 28 * Float.stripRows }
  /// What the selections of a round may take, in keys, and its queries, in numbers.
  private static var roundKeys: Int { 1 << 23 }

  /// - Parameter ids: what equally near rows are ordered by; nil for row numbers.
  init(
    _ base: UnsafeBufferPointer<S>, _ frame: ExactFrame, _ dimension: Int,
    _ metric: ExactIndex.Metric, ids: [Int]?
  ) {
    (self.base, self.frame, self.dimension) = (base, frame, dimension)
    (self.metric, self.ids, baseCount) = (metric, ids, base.count / dimension)
  }

  func run(_ queries: Tensor, count: Int) -> Neighbors {
    let queryCount = queries.shape[0]
    let found = min(count, baseCount)
    // A few more than are asked for, so that a second pass is seldom needed.
    let kept = min(baseCount, found + 8)
    guard kept > 0, queryCount > 0 else {
      return Neighbors(countPerQuery: found, ids: [], scores: [])
    }
    let capacity = TopSelection.capacity(kept: kept)
    let strip = Float.stripRows
    let fitting = max(1, Self.roundKeys / capacity / strip) * strip
    let height = min(
      queryCount, fitting, Self.roundQueries, max(1, Self.roundKeys / dimension))
    var round = ExactRound(height: height, columns: dimension, kept: kept, found: found)
    var scores = Array(repeating: 0.0, count: queryCount * found)
    var ids = Array(repeating: 0, count: queryCount * found)
    scores.withUnsafeMutableBufferPointer { scores in
      ids.withUnsafeMutableBufferPointer { ids in
        guard let scores = scores.baseAddress, let ids = ids.baseAddress else { return }
        for first in stride(from: 0, to: queryCount, by: height) {
          let rows = first..<min(queryCount, first + height)
          prepare(&round, queries, rows)
          collect(round, rows.count)
          let open = settle(round, rows, scores, ids)
          if !open.isEmpty { sweep(round, open, from: first, scores, ids) }
        }
      }
    }
    round.deallocate()
    return Neighbors(countPerQuery: found, ids: ids, scores: scores)
  }

  /// Puts queries into float64 and into the frame.
  private func prepare(_ round: inout ExactRound, _ queries: Tensor, _ rows: Range<Int>) {
    let (wide, narrow) = (round.wide, round.narrow)
    func fill<Q: Scalar>(_ x: UnsafeBufferPointer<Q>) -> [ExactBound] {
      (0..<rows.count).map { i in
        let (own, first) = (wide + i * dimension, (rows.lowerBound + i) * dimension)
        for j in 0..<dimension { own[j] = Double(x[first + j]) }
        if frame.factors != nil {
          let factor = ExactFrame.factor(of: UnsafeBufferPointer(start: own, count: dimension))
          for j in 0..<dimension { own[j] *= factor }
        }
        return ExactBound(
          own, frame, columns: dimension, isSquared: metric == .l2, to: narrow + i * dimension)
      }
    }
    round.bounds = queries.withNumbers({ fill($0) }, { fill($0) })
  }

  /// Calls `body` with each block of rows in the frame.
  private func forEachBlock(_ body: (_ rows: Range<Int>, UnsafePointer<Float>) -> Void) {
    guard let start = base.baseAddress else { return }
    let size = ExactFrame.blockRows
    let isPlain = frame.isPlain(S.self)
    let scratch = UnsafeMutablePointer<Float>.allocate(
      capacity: isPlain ? 1 : min(size, baseCount) * dimension)
    defer { scratch.deallocate() }
    for first in stride(from: 0, to: baseCount, by: size) {
      let rows = first..<min(baseCount, first + size)
      if isPlain {
        body(rows, UnsafeRawPointer(start + first * dimension).assumingMemoryBound(to: Float.self))
      } else {
        frame.write(rows, of: start, columns: dimension, to: scratch)
        body(rows, scratch)
      }
    }
  }

  /// Half the squared lengths of the rows from one on; nil for inner products.
  private func withHalves(_ body: (UnsafePointer<Float>?) -> Void) {
    // An empty array may have an address too.
    frame.halves.withUnsafeBufferPointer { body($0.isEmpty ? nil : $0.baseAddress) }
  }

  /// Selects the keys of the nearest rows of each query: the first `kept` of its memory.
  private func collect(_ round: ExactRound, _ count: Int) {
    let placesBelow = PlacesBelow()
    var states = Array(repeating: TopSelection.State(), count: count)
    states.withUnsafeMutableBufferPointer { states in
      nonisolated(unsafe) let states = states
      withHalves { halves in
        forEachBlock { block, vectors in
          let isLast = block.upperBound == baseCount
          Float.productStrips(round.narrow, vectors, m: count, n: block.count, k: dimension) {
            rows, products in
            for row in rows {
              var selection = TopSelection(
                round.keys(of: row), kept: round.kept, states[row], placesBelow)
              selection.offer(
                products + (row - rows.lowerBound) * block.count,
                halves.map { $0 + block.lowerBound }, count: block.count,
                firstID: block.lowerBound)
              if isLast { selection.select() }
              states[row] = selection.state
            }
          }
        }
      }
    }
  }

  /// Puts the selected ones in the order of their scores in float64.
  ///
  /// - Returns: the queries of the round for which other rows may be as near.
  private func settle(
    _ round: ExactRound, _ rows: Range<Int>, _ scores: UnsafeMutablePointer<Double>,
    _ ids: UnsafeMutablePointer<Int>
  ) -> [Int] {
    let longest = frame.blockLengths.max() ?? 0
    var isOpen = [Bool](repeating: false, count: rows.count)
    isOpen.withUnsafeMutableBufferPointer { isOpen in
      nonisolated(unsafe) let isOpen = isOpen
      Parallel.forEachRange(rows.count, grain: 16) { range in
        var best = ExactBest(count: round.found)
        var places = [UInt32](repeating: 0, count: round.kept)
        for row in range {
          var chosen = UnsafeMutableBufferPointer(start: round.keys(of: row), count: round.kept)
          chosen.sort()
          for i in 0..<round.kept { places[i] = UInt32(TopSelection.id(chosen[i])) }
          best.removeAll()
          offer(places, from: round.wide + row * dimension, to: &best)
          let score = tell(&best, at: rows.lowerBound + row, round.found, scores, ids)
          guard round.kept < baseCount, let last = chosen.last else { continue }
          let limit = round.bounds[row].limit(score: score, longest: longest)
          isOpen[row] = !(Double(TopSelection.number(last)) > limit)
        }
      }
    }
    return isOpen.indices.filter { isOpen[$0] }
  }

  /// Looks at all rows that may be as near as the last that was found, for queries of a round.
  private func sweep(
    _ round: ExactRound, _ open: [Int], from first: Int, _ scores: UnsafeMutablePointer<Double>,
    _ ids: UnsafeMutablePointer<Int>
  ) {
    let placesBelow = PlacesBelow()
    // The narrow queries are used up: those that are open move together.
    for (i, row) in open.enumerated() where i != row {
      (round.narrow + i * dimension).update(from: round.narrow + row * dimension, count: dimension)
    }
    // The scores that the limits are made of.
    let lasts = open.map { scores[(first + $0 + 1) * round.found - 1] }
    var bests = Array(repeating: ExactBest(count: round.found), count: open.count)
    bests.withUnsafeMutableBufferPointer { bests in
      nonisolated(unsafe) let bests = bests
      withHalves { halves in
        forEachBlock { block, vectors in
          let longest = frame.blockLengths[block.lowerBound / ExactFrame.blockRows]
          Float.productStrips(round.narrow, vectors, m: open.count, n: block.count, k: dimension) {
            rows, products in
            var places = [Int32](repeating: 0, count: block.count)
            for row in rows {
              let bound = round.bounds[open[row]]
              let limit = bound.limit(score: lasts[row], longest: longest)
              var found: [UInt32]
              if limit == .infinity {
                found = block.map { UInt32($0) }
              } else {
                let count = placesBelow(
                  &places, products + (row - rows.lowerBound) * block.count,
                  halves.map { $0 + block.lowerBound }, limit: Float(limit).nextUp.nextUp,
                  count: block.count)
                found = places[..<count].map { UInt32(Int($0) + block.lowerBound) }
              }
              offer(found, from: round.wide + open[row] * dimension, to: &bests[row])
            }
          }
        }
      }
      for (i, row) in open.enumerated() {
        tell(&bests[i], at: first + row, round.found, scores, ids)
      }
    }
  }

  /// Offers rows by their scores in float64.
  private func offer(
    _ rows: [UInt32], from query: UnsafePointer<Double>, to best: inout ExactBest
  ) {
    guard let base = base.baseAddress, !rows.isEmpty else { return }
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows.count) { numbers in
      guard let scores = numbers.baseAddress else { return }
      RowKernels<S>().scores(
        scores, from: query, to: base, rows: rows, count: rows.count, columns: dimension,
        isSquared: metric == .l2)
      for (i, place) in rows.enumerated() {
        let row = Int(place)
        let score = scores[i] * (frame.factors?[row] ?? 1)
        best.offer(
          order: metric == .l2 ? score : 0 - score, tie: ids?[row] ?? row, row: row)
      }
    }
  }

  /// Writes what was found for a query and returns the score of the last.
  @discardableResult
  private func tell(
    _ best: inout ExactBest, at query: Int, _ found: Int, _ scores: UnsafeMutablePointer<Double>,
    _ ids: UnsafeMutablePointer<Int>
  ) -> Double {
    var last = 0.0
    for (i, one) in best.sorted().enumerated() {
      // Subtracting from 0 makes one zero of both.
      last = metric == .l2 ? one.order : 0 - one.order
      (scores[query * found + i], ids[query * found + i]) = (last, one.row)
    }
    return last
  }
}

/// The memory of queries that are searched together.
struct ExactRound {
  let kept, found: Int
  /// The queries in float64, and in the frame.
  let wide: UnsafeMutablePointer<Double>
  let narrow: UnsafeMutablePointer<Float>
  var bounds: [ExactBound] = []
  private let keys: UnsafeMutablePointer<UInt64>
  private let capacity: Int

  init(height: Int, columns: Int, kept: Int, found: Int) {
    (self.kept, self.found, capacity) = (kept, found, TopSelection.capacity(kept: kept))
    wide = .allocate(capacity: height * columns)
    narrow = .allocate(capacity: height * columns)
    keys = .allocate(capacity: height * capacity)
  }

  func keys(of row: Int) -> UnsafeMutablePointer<UInt64> { keys + row * capacity }

  func deallocate() {
    wide.deallocate()
    narrow.deallocate()
    keys.deallocate()
  }
}
