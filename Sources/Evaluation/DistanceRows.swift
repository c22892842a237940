import Autodiff

/// All squared distances between queries and a gallery, a block of rows at a time.
///
/// The product of a block with the gallery gives ‖q‖² + ‖g‖² − 2 q·g; distances that are small
/// beside the norms lose their digits in that difference and are computed from the coordinates
/// again, so equal vectors are at distance 0 exactly.
///
/// - Complexity: O(n m d) time per pass, O(m × block) memory.
struct DistanceRows<S: Scalar> {
  let query: LabeledRows<S>
  let gallery: LabeledRows<S>
  /// Whether the gallery is the queries, so that a row must not find itself.
  let isSelf: Bool

  /// Whether two rows may be compared: not a row with itself, and not rows of one class and group.
  func isCompared(_ row: Int, _ column: Int) -> Bool {
    guard !(isSelf && row == column) else { return false }
    guard let groups = query.groups, let others = gallery.groups else { return true }
    return groups[row] != others[column] || query.classes[row] != gallery.classes[column]
  }

  /// How many rows of the gallery match a query.
  func matchCount(of row: Int) -> Int {
    let members = gallery.members[query.classes[row]]
    guard query.groups != nil, gallery.groups != nil else {
      return members.count - (isSelf ? 1 : 0)
    }
    return members.count { isCompared(row, $0) }
  }

  /// Rows are dealt to this many accumulators, whatever the number of threads.
  private static var accumulators: Int { 16 }
  /// Elements of the block of products.
  private static var blockElements: Int { 1 << 23 }

  /// Calls `body` with each query's squared distances to the gallery, in no particular order.
  ///
  /// The distance of rows that are not compared is infinite. Returns the accumulators, which
  /// start as copies of `initial`; each is used by one thread at a time, always for the same rows
  /// in the same order.
  func reduce<Accumulator>(
    _ initial: Accumulator,
    _ body: (inout Accumulator, _ row: Int, _ squares: UnsafeMutableBufferPointer<S>) -> Void
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

  /// Turns a row of products into squared distances.
  private func finish(
    _ line: UnsafeMutableBufferPointer<S>, row: Int, _ q: UnsafeBufferPointer<S>,
    _ g: UnsafeBufferPointer<S>
  ) {
    let chunk = 64
    gallery.squaredNorms.withUnsafeBufferPointer { norms in
      guard let x = line.baseAddress, let n = norms.baseAddress, let q = q.baseAddress,
        let g = g.baseAddress
      else { return }
      for start in stride(from: 0, to: line.count, by: chunk) {
        let columns = start..<min(line.count, start + chunk)
        if subtract(x, n, norm: query.squaredNorms[row], columns) {
          for column in columns where isInexact(x[column], query.squaredNorms[row] + n[column]) {
            x[column] = squaredDistance(
              q + row * query.dimension, g + column * query.dimension, query.dimension)
          }
        }
      }
    }
    if isSelf { line[row] = .infinity }
    if query.groups != nil, gallery.groups != nil {
      for member in gallery.members[query.classes[row]] where !isCompared(row, member) {
        line[member] = .infinity
      }
    }
  }

  /// Whether a squared distance is so small beside the norms that it lost its digits: below this
  /// share a float32 difference has fewer than 17 good bits.
  @inline(__always)
  private func isInexact(_ square: S, _ norms: S) -> Bool { norms * (1 / 64) - square > 0 }

  /// Turns products into squared distances; returns whether one of them is inexact.
  @inline(__always)
  private func subtract(
    _ x: UnsafeMutablePointer<S>, _ n: UnsafePointer<S>, norm: S, _ columns: Range<Int>
  ) -> Bool {
    // Counting instead of branching lets the compiler take several columns at a time.
    var inexact: Int32 = 0
    for column in columns {
      let norms = norm + n[column]
      let square = norms - 2 * x[column]
      x[column] = square
      inexact &+= isInexact(square, norms) ? 1 : 0
    }
    return inexact > 0
  }
}
