import Autodiff

/// All squared distances between queries and a gallery, a block of rows at a time.
///
/// The product of a block with the gallery gives ‖q‖² + ‖g‖² − 2 q·g; distances that are small
/// beside the norms lose their digits in that difference and are computed from the coordinates
/// again, so equal vectors are at distance 0 exactly.
///
/// - Complexity: O(n m d) time per pass, O(m × block) memory.
package struct DistanceRows<S: Scalar> {
  package let query: LabeledRows<S>
  package let gallery: LabeledRows<S>
  /// Whether the gallery is the queries, so that a row must not find itself.
  package let isSelf: Bool

  package init(query: LabeledRows<S>, gallery: LabeledRows<S>, isSelf: Bool) {
    (self.query, self.gallery, self.isSelf) = (query, gallery, isSelf)
  }

  /// Whether two rows may be compared: not a row with itself, and not rows of one class and group.
  package func isCompared(_ row: Int, _ column: Int) -> Bool {
    guard !(isSelf && row == column) else { return false }
    guard let groups = query.groups, let others = gallery.groups else { return true }
    return groups[row] != others[column] || query.classes[row] != gallery.classes[column]
  }

  /// How many rows of the gallery match a query.
  package func matchCount(of row: Int) -> Int {
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
  package func reduce<Accumulator>(
    _ initial: Accumulator,
    _ body: (inout Accumulator, _ row: Int, _ squares: UnsafeMutableBufferPointer<S>) -> Void
  ) -> [Accumulator] {
    reduce(initial, laterOnly: false) { body(&$0, $1, $3) }
  }

  /// The same for each pair once: without a gallery a row meets the later rows only, from `first` on,
  /// which takes half of the products.
  package func reducePairs<Accumulator>(
    _ initial: Accumulator,
    _ body: (
      inout Accumulator, _ row: Int, _ first: Int, _ squares: UnsafeMutableBufferPointer<S>
    ) -> Void
  ) -> [Accumulator] {
    reduce(initial, laterOnly: isSelf, body)
  }

  private func reduce<Accumulator>(
    _ initial: Accumulator, laterOnly: Bool,
    _ body: (
      inout Accumulator, _ row: Int, _ first: Int, _ squares: UnsafeMutableBufferPointer<S>
    ) -> Void
  ) -> [Accumulator] {
    let lanes = DistanceRows.accumulators
    var results = Array(repeating: initial, count: lanes)
    let height = max(1, min(512, query.count, DistanceRows.blockElements / gallery.count))
    let block = UnsafeMutableBufferPointer<S>.allocate(capacity: height * gallery.count)
    defer { block.deallocate() }
    let kernels = LineKernels<S>()
    results.withUnsafeMutableBufferPointer { results in
      query.rows.withUnsafeBufferPointer { q in
        gallery.rows.withUnsafeBufferPointer { g in
          guard let c = block.baseAddress, let a = q.baseAddress, let b = g.baseAddress else {
            return
          }
          for start in stride(from: 0, to: query.count, by: height) {
            let rows = min(height, query.count - start)
            let column = laterOnly ? min(start, gallery.count) : 0
            let width = gallery.count - column
            guard width > 0 else { continue }
            S.product(
              c, a + start * query.dimension, b + column * query.dimension, m: rows, n: width,
              k: query.dimension, transposingA: false, transposingB: true, adding: false)
            Parallel.forEach(lanes) { lane in
              for row in stride(from: lane, to: rows, by: lanes) {
                let skipped = laterOnly ? min(width, row + 1) : 0
                let line = UnsafeMutableBufferPointer(
                  start: c + row * width + skipped, count: width - skipped)
                finish(line, row: start + row, from: column + skipped, kernels, q, g)
                body(&results[lane], start + row, column + skipped, line)
              }
            }
          }
        }
      }
    }
    return results
  }

  /// Turns products of a row with those of the gallery from `first` on into squared distances.
  package func finish(
    _ line: UnsafeMutableBufferPointer<S>, row: Int, from first: Int, _ kernels: LineKernels<S>,
    _ q: UnsafeBufferPointer<S>, _ g: UnsafeBufferPointer<S>
  ) {
    gallery.squaredNorms.withUnsafeBufferPointer { norms in
      guard let all = norms.baseAddress, let q = q.baseAddress, let g = g.baseAddress else {
        return
      }
      DistanceRows.squares(line, norm: query.squaredNorms[row], norms: all + first, kernels) {
        squaredDistance(
          q + row * query.dimension, g + (first + $0) * query.dimension, query.dimension)
      }
    }
    if isSelf, row >= first, row - first < line.count { line[row - first] = .infinity }
    if query.groups != nil, gallery.groups != nil {
      for member in gallery.members[query.classes[row]]
      where member >= first && member - first < line.count && !isCompared(row, member) {
        line[member - first] = .infinity
      }
    }
  }

  /// Turns a line of products into squared distances; `exact` gives that of a column from the
  /// coordinates, where the difference has too few digits.
  package static func squares(
    _ line: UnsafeMutableBufferPointer<S>, norm: S, norms: UnsafePointer<S>,
    _ kernels: LineKernels<S>, exact: (Int) -> S
  ) {
    guard let x = line.baseAddress else { return }
    let chunk = 256
    for start in stride(from: 0, to: line.count, by: chunk) {
      let columns = start..<min(line.count, start + chunk)
      // Below this share a float32 difference has fewer than 17 good bits.
      let inexact = kernels.squares(
        x + start, norms: norms + start, norm: norm, share: 1 / 64, columns.count)
      guard inexact > 0 else { continue }
      for column in columns where x[column] < (norm + norms[column]) / 64 {
        x[column] = exact(column)
      }
    }
  }
}
