import Autodiff

/// All distances between queries and a gallery, a block of rows at a time.
///
/// The product of a block with the gallery gives ‖q‖² + ‖g‖² − 2 q·g; distances that are small
/// beside the norms lose their digits in that difference and are computed from the coordinates
/// again, so equal vectors are at distance 0 exactly.
///
/// - Complexity: O(n m d) time per pass, O(m × block) memory.
struct DistanceRows<S: Scalar & SIMDScalar> {
  let query: LabeledRows<S>
  let gallery: LabeledRows<S>
  /// Whether the gallery is the queries, so that a row must not find itself.
  let isSelf: Bool

  /// Rows are dealt to this many accumulators, whatever the number of threads.
  private static var accumulators: Int { 16 }
  /// Elements of the block of products.
  private static var blockElements: Int { 1 << 23 }

  /// Calls `body` with each query's distances to the gallery, in no particular order.
  ///
  /// The distance of a row to itself is infinite if `isSelf`. Returns the accumulators, which
  /// start as copies of `initial`; each is used by one thread at a time, always for the same rows
  /// in the same order.
  func reduce<Accumulator>(
    _ initial: Accumulator,
    _ body: (inout Accumulator, _ row: Int, _ distances: UnsafeMutableBufferPointer<S>) -> Void
  ) -> [Accumulator] {
    let lanes = DistanceRows.accumulators
    var results = Array(repeating: initial, count: lanes)
    let height = max(1, min(512, query.count, DistanceRows.blockElements / gallery.count))
    let width = gallery.count
    let block = UnsafeMutableBufferPointer<S>.allocate(capacity: height * width)
    defer { block.deallocate() }
    results.withUnsafeMutableBufferPointer { results in
      query.rows.withUnsafeBufferPointer { q in
        gallery.rows.withUnsafeBufferPointer { g in
          guard let c = block.baseAddress, let a = q.baseAddress, let b = g.baseAddress else {
            return
          }
          for start in stride(from: 0, to: query.count, by: height) {
            let rows = min(height, query.count - start)
            S.product(
              c, a + start * query.dimension, b, m: rows, n: width, k: query.dimension,
              transposingA: false, transposingB: true, adding: false)
            Parallel.forEach(lanes) { lane in
              for row in stride(from: lane, to: rows, by: lanes) {
                let line = UnsafeMutableBufferPointer(start: c + row * width, count: width)
                finish(line, row: start + row, q, g)
                body(&results[lane], start + row, line)
              }
            }
          }
        }
      }
    }
    return results
  }

  /// Turns a row of products into distances.
  private func finish(
    _ line: UnsafeMutableBufferPointer<S>, row: Int, _ q: UnsafeBufferPointer<S>,
    _ g: UnsafeBufferPointer<S>
  ) {
    let norm = query.squaredNorms[row]
    let width = line.count
    // Below this share of the squared norms a float32 difference has fewer than 17 good bits.
    let share: S = 1 / 64
    gallery.squaredNorms.withUnsafeBufferPointer { norms in
      guard let x = line.baseAddress, let n = norms.baseAddress else { return }
      var column = 0
      while column + 8 <= width {
        let products = UnsafeRawPointer(x + column).loadUnaligned(as: SIMD8<S>.self)
        let sums = UnsafeRawPointer(n + column).loadUnaligned(as: SIMD8<S>.self) + norm
        let squares = sums - products * 2
        UnsafeMutableRawPointer(x + column).storeBytes(
          of: squares.squareRoot(), as: SIMD8<S>.self)
        if any(squares .< sums * share) {
          for lane in 0..<8 where squares[lane] < sums[lane] * share {
            x[column + lane] = exactDistance(q, row, g, column + lane)
          }
        }
        column += 8
      }
      while column < width {
        let sum = norm + n[column]
        let square = sum - 2 * x[column]
        x[column] = square < sum * share ? exactDistance(q, row, g, column) : square.squareRoot()
        column += 1
      }
    }
    if isSelf { line[row] = .infinity }
  }

  private func exactDistance(
    _ q: UnsafeBufferPointer<S>, _ row: Int, _ g: UnsafeBufferPointer<S>, _ column: Int
  ) -> S {
    let d = query.dimension
    guard let a = q.baseAddress, let b = g.baseAddress else { return 0 }
    let (u, v) = (a + row * d, b + column * d)
    var sums = SIMD8<S>.zero
    var i = 0
    while i + 8 <= d {
      let difference =
        UnsafeRawPointer(u + i).loadUnaligned(as: SIMD8<S>.self)
        - UnsafeRawPointer(v + i).loadUnaligned(as: SIMD8<S>.self)
      sums += difference * difference
      i += 8
    }
    var sum = sums.sum()
    while i < d {
      let difference = u[i] - v[i]
      sum += difference * difference
      i += 1
    }
    return sum.squareRoot()
  }
}
