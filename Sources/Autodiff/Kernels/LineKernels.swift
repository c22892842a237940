import CKernels

/// Loops over a line of squared distances, on the calling thread, in the instruction set in use.
///
/// Infinite distances stand for pairs that do not count.
package struct LineKernels<S: Scalar>: Sendable {
  package typealias GapTable = ck_gaps
  package typealias LadderTable = ck_ladder

  /// Cells of ``countCells(_:_:roots:_:_:_:)``: the bits of a float without so many of the last.
  package static var cellShift: Int { Int(CK_CELL_SHIFT) }

  private nonisolated(unsafe) let kernels: UnsafePointer<ck_kernels>

  package init() { kernels = InstructionSet.kernelTable(elementSize: MemoryLayout<S>.size) }

  /// x = norm + norms − 2 x, of products; returns how many are below share · (norm + norms).
  package func squares(
    _ x: UnsafeMutablePointer<S>, norms: UnsafePointer<S>, norm: S, share: Double, _ count: Int
  ) -> Int {
    kernels.pointee.squares_from_products(x, norms, Double(norm), share, count)
  }

  /// How many of the first `ties` numbers are at most `limit`, and of the others below it.
  package func countBefore(_ x: UnsafePointer<S>, limit: S, ties: Int, _ count: Int) -> Int {
    kernels.pointee.count_before(x, Double(limit), ties, count)
  }

  /// Counts each number in the bin of its float: bits >> 14.
  package func countBins(
    _ bins: UnsafeMutablePointer<Int64>, _ x: UnsafePointer<S>, _ count: Int
  ) {
    kernels.pointee.count_bins(bins, x, count)
  }

  /// Σ √x over the finite numbers.
  package func sumOfRoots(_ x: UnsafePointer<S>, _ count: Int) -> Double {
    kernels.pointee.sum_of_roots(x, count)
  }

  /// Writes the places, in order, of the numbers of at most `limit`; returns how many there are.
  package func placesWithin(
    _ places: UnsafeMutablePointer<Int32>, _ x: UnsafePointer<S>, limit: S, _ count: Int
  ) -> Int {
    kernels.pointee.places_within(places, x, Double(limit), count)
  }

  /// The same of the numbers whose bin has the mark 1 and not 0.
  package func placesMarked(
    _ places: UnsafeMutablePointer<Int32>, _ x: UnsafePointer<S>, _ marks: UnsafePointer<UInt8>,
    _ count: Int
  ) -> Int {
    kernels.pointee.places_marked(places, x, marks, count)
  }

  /// Σ over the finite numbers of 2 · (values below) + (values equal).
  package func twiceBelow(_ x: UnsafePointer<S>, _ count: Int, _ ladder: ck_ladder) -> Int {
    Int(kernels.pointee.twice_below(x, count, ladder))
  }

  /// minima = the lesser of minima and x; least = the least x.
  package func minima(
    _ minima: UnsafeMutablePointer<S>, least: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int
  ) {
    kernels.pointee.line_minima(minima, least, x, count)
  }

  /// Adds to each count how many x, the items from `first` on, come before a match at that distance:
  /// nearer, or as near and earlier.
  package func countNearer(
    _ counts: UnsafeMutablePointer<Int32>, _ values: UnsafePointer<S>,
    _ matches: UnsafePointer<Int32>, _ many: Int, _ x: UnsafePointer<S>, first: Int, _ count: Int
  ) {
    kernels.pointee.count_nearer(counts, values, matches, many, x, first, count)
  }

  /// Counts numbers by their cells, adds up the finite ones' roots and writes the places of those
  /// whose cell has a mark, and of those in the first `nearCells`; returns how many there are of either.
  ///
  /// - Parameters:
  ///   - marked: how many cells have marks, from the first on.
  ///   - countsAll: whether numbers beyond the marked cells are counted too.
  package func countCells(
    _ cells: UnsafeMutablePointer<UInt32>, _ places: UnsafeMutablePointer<Int32>,
    near: UnsafeMutablePointer<Int32>, roots: inout Double, _ x: UnsafePointer<S>,
    _ marks: UnsafePointer<UInt8>, marked: Int, nearCells: Int, countsAll: Bool, _ count: Int
  ) -> (found: Int, near: Int) {
    var within = 0
    let found = kernels.pointee.count_cells(
      cells, places, near, &within, &roots, x, marks, marked, nearCells, countsAll ? 1 : 0, count)
    return (found, within)
  }

  /// Counts some numbers by the gap between values that they lie in; see C's `count_gaps`.
  package func countGaps(
    _ gaps: UnsafeMutablePointer<UInt32>, exact: UnsafeMutablePointer<UInt32>,
    _ x: UnsafePointer<S>, _ places: UnsafePointer<Int32>, _ count: Int, _ table: GapTable
  ) {
    withUnsafePointer(to: table) { kernels.pointee.count_gaps(gaps, exact, x, places, count, $0) }
  }

  /// Counts numbers at some places, of at most the last limit, by the pair of limits that they do not
  /// exceed, for the line and for the column of each. Leaves the places of those between the limits of
  /// a pair, with the number of the pair × 2¹⁶, and returns how many there are.
  package func countLimits(
    _ own: UnsafeMutablePointer<UInt16>, _ columns: UnsafeMutablePointer<UInt16>,
    _ places: UnsafeMutablePointer<Int32>, _ count: Int, _ x: UnsafePointer<S>,
    _ limits: LadderTable
  ) -> Int {
    kernels.pointee.count_limits(own, columns, places, count, x, limits)
  }

  /// Moves counts from one place to another.
  package func takeCounts(
    _ counts: UnsafeMutablePointer<Int32>, _ more: UnsafeMutablePointer<UInt16>, _ count: Int
  ) {
    kernels.pointee.take_counts(counts, more, count)
  }

  /// - Parameters: see C's `ck_ladder`.
  package static func ladder(
    values: UnsafeBufferPointer<S>, starts: UnsafeBufferPointer<Int32>, low: S, scale: S
  ) -> ck_ladder? {
    guard let first = values.baseAddress, let table = starts.baseAddress else { return nil }
    return ck_ladder(
      values: first, starts: table, count: values.count, parts: starts.count - 1,
      low: Double(low), scale: Double(scale))
  }

  /// Infinite values that must follow those of ``gaps(values:cells:firsts:bins:)``.
  package static var gapPadding: Int { Int(CK_GAP_PADDING) }

  /// - Parameters: see C's `ck_gaps`; they must outlive it.
  package static func gaps(
    values: UnsafePointer<S>, cells: UnsafePointer<Int32>, firsts: UnsafePointer<Int32>,
    bins: UnsafePointer<Int32>
  ) -> GapTable {
    GapTable(values: values, cells: cells, firsts: firsts, bins: bins)
  }
}
