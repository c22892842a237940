import Autodiff
import Synchronization

/// Counts pairs by how they lie among the matching pairs, exactly, without a list of them.
///
/// Squared distances fall into cells of 0.01 % relative width. In cells without a matching pair it is
/// enough to know how many pairs there are; in the others each is counted in its gap between
/// neighbouring matching pairs. In a few bins all are counted float by float.
package final class PairCells<S: Scalar> {
  /// The squared distances of matching pairs, ascending.
  package let positives: [S]
  /// Bins in which the distances themselves are known, ascending.
  package let exactBins: [Int]
  /// For each cell, which of those with positives it is, or −1.
  private var numbers: [Int32]
  /// For each cell with positives, the first of them; and how many there are at the end.
  private var firsts: [Int32] = []
  /// For each bin, which of the exact ones it is, or −1.
  private var exactNumbers: [Int32]
  /// 1 for cells whose pairs are looked at one by one; and all cells up to the last of these.
  private var marks: [UInt8]
  private let marked: Int
  /// The cells of the pairs that may be near.
  private let nearCells: Int
  /// Whether all cells are counted, or only those up to the last that is marked or near.
  private let countsAll: Bool
  /// Of all pairs of rows, those of different classes.
  private let negativeCount: Int
  /// The positives, and what kernels want behind them.
  private let values: [S]
  private let kernels = LineKernels<S>()
  private let totals: Mutex<Totals>

  /// Whole numbers, so it does not matter in which order they are added up.
  package struct Totals {
    package var cells, gaps, exact: [Int]
  }

  /// What one thread works with.
  package struct Lane {
    fileprivate let cells, gaps, exact: UnsafeMutableBufferPointer<UInt32>
    fileprivate let places, near: UnsafeMutablePointer<Int32>
    fileprivate var counted = 0
  }

  package static var cellShift: Int { LineKernels<S>.cellShift }
  private static var cellCount: Int { 1 << (31 - cellShift) }
  private static var cellsPerBin: Int { cellCount / DistanceBin.count }
  private static var lastCell: Int { cell(of: S(Float.greatestFiniteMagnitude)) }
  private static var floatsPerBin: Int { 1 << 14 }

  /// - Parameters:
  ///   - exactBins: empty for numbers that are not floats.
  ///   - near: the largest squared distance of pairs that are asked for, or nil.
  ///   - negativeCount: how many pairs do not match, if those beyond all positives and all that are
  ///     near may be counted in one bin, the last; or nil.
  package init(positives: [S], exactBins: [Int], near: S? = nil, negativeCount: Int? = nil) {
    precondition(S.self == Float.self || exactBins.isEmpty, "PairCells: bins are exact for floats")
    (self.positives, self.exactBins) = (positives, exactBins)
    numbers = Array(repeating: -1, count: PairCells.cellCount)
    marks = Array(repeating: 0, count: PairCells.cellCount)
    exactNumbers = Array(repeating: -1, count: DistanceBin.count)
    for (place, value) in positives.enumerated() {
      let cell = PairCells.cell(of: value)
      guard numbers[cell] < 0 else { continue }
      (numbers[cell], marks[cell]) = (Int32(firsts.count), 1)
      firsts.append(Int32(place))
    }
    firsts.append(Int32(positives.count))
    for (number, bin) in exactBins.enumerated() {
      exactNumbers[bin] = Int32(number)
      for cell in bin * PairCells.cellsPerBin..<(bin + 1) * PairCells.cellsPerBin {
        marks[cell] = 1
      }
    }
    // Whole bins.
    let last = max(marks.lastIndex(of: 1) ?? 0, near.map { PairCells.cell(of: $0) } ?? 0)
    let counted = (last / PairCells.cellsPerBin + 1) * PairCells.cellsPerBin
    (self.negativeCount, countsAll) = (negativeCount ?? 0, negativeCount == nil)
    marked = counted
    nearCells = near.map { PairCells.cell(of: $0) + 1 } ?? 0
    values = positives + Array(repeating: .infinity, count: LineKernels<S>.gapPadding)
    totals = Mutex(
      Totals(
        cells: Array(repeating: 0, count: PairCells.cellCount),
        gaps: Array(repeating: 0, count: 2 * positives.count + firsts.count),
        exact: Array(repeating: 0, count: exactBins.count * PairCells.floatsPerBin)))
  }

  private static func cell(of square: S) -> Int {
    Int(Float(square).bitPattern >> UInt32(cellShift))
  }

  package func makeLane() -> Lane {
    func zeros(_ count: Int) -> UnsafeMutableBufferPointer<UInt32> {
      let zeros = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: count)
      zeros.initialize(repeating: 0)
      return zeros
    }
    return Lane(
      cells: zeros(PairCells.cellCount), gaps: zeros(2 * positives.count + firsts.count),
      exact: zeros(max(1, exactBins.count * PairCells.floatsPerBin)),
      places: .allocate(capacity: DistanceTiles<S>.width),
      near: .allocate(capacity: DistanceTiles<S>.width))
  }

  /// Counts the pairs of a tile, each once.
  ///
  /// - Parameter near: gets for each row the places of the pairs that may be near enough, out of
  ///   ``DistanceTiles/Tile/pairs(_:)``, and how many there are.
  /// - Returns: the sum of their distances.
  package func add(
    _ tile: DistanceTiles<S>.Tile, _ lane: inout Lane,
    near: (_ row: Int, UnsafeMutablePointer<Int32>, Int) -> Void
  ) -> Double {
    var roots = 0.0
    guard let cells = lane.cells.baseAddress, let gaps = lane.gaps.baseAddress,
      let exact = lane.exact.baseAddress
    else { return 0 }
    withTable { marks, table in
      for row in 0..<tile.rows.count {
        let x = tile.pairs(row)
        let places = kernels.countCells(
          cells, lane.places, near: lane.near, roots: &roots, x.base, marks,
          marked: marked, nearCells: nearCells, countsAll: countsAll, x.count)
        if places.found > 0 {
          kernels.countGaps(gaps, exact: exact, x.base, lane.places, places.found, table)
        }
        near(row, lane.near, places.near)
      }
    }
    lane.counted += tile.rows.count * tile.columns.count
    if lane.counted > 1 << 31 { flush(&lane) }
    return roots
  }

  private func withTable(
    _ body: (UnsafePointer<UInt8>, LineKernels<S>.GapTable) -> Void
  ) {
    values.withUnsafeBufferPointer { values in
      numbers.withUnsafeBufferPointer { numbers in
        firsts.withUnsafeBufferPointer { firsts in
          exactNumbers.withUnsafeBufferPointer { bins in
            marks.withUnsafeBufferPointer { marks in
              guard let values = values.baseAddress, let numbers = numbers.baseAddress,
                let firsts = firsts.baseAddress, let bins = bins.baseAddress,
                let marks = marks.baseAddress
              else { return }
              body(
                marks, LineKernels.gaps(values: values, cells: numbers, firsts: firsts, bins: bins))
            }
          }
        }
      }
    }
  }

  private func flush(_ lane: inout Lane) {
    totals.withLock { totals in
      for i in lane.cells.indices where lane.cells[i] > 0 { totals.cells[i] += Int(lane.cells[i]) }
      for i in totals.gaps.indices { totals.gaps[i] += Int(lane.gaps[i]) }
      for i in totals.exact.indices { totals.exact[i] += Int(lane.exact[i]) }
    }
    lane.cells.update(repeating: 0)
    lane.gaps.update(repeating: 0)
    lane.exact.update(repeating: 0)
    lane.counted = 0
  }

  /// Gives back what a thread worked with, once its tiles are counted.
  package func finish(_ lane: Lane) {
    var lane = lane
    flush(&lane)
    lane.cells.deallocate()
    lane.gaps.deallocate()
    lane.exact.deallocate()
    lane.places.deallocate()
    lane.near.deallocate()
  }

  /// The pairs that do not match, once all lanes are finished.
  package func negatives() -> NegativeCells<S> {
    var counts = totals.withLock { $0 }
    var place = 0
    while place < positives.count {
      let value = positives[place]
      var end = place
      while end < positives.count, positives[end] == value { end += 1 }
      let cell = PairCells.cell(of: value)
      counts.cells[cell] -= end - place
      counts.gaps[place + end + Int(numbers[cell])] -= end - place
      let bin = DistanceBin.of(value)
      if exactNumbers[bin] >= 0 {
        let offset = Int(Float(value).bitPattern) & (PairCells.floatsPerBin - 1)
        counts.exact[Int(exactNumbers[bin]) * PairCells.floatsPerBin + offset] -= end - place
      }
      place = end
    }
    // What does not count lies at infinity.
    counts.cells[PairCells.cell(of: .infinity)] = 0
    if !countsAll { counts.cells[PairCells.lastCell] = negativeCount - counts.cells.reduce(0, +) }
    return NegativeCells(
      positives: positives, exactBins: exactBins, numbers: numbers, firsts: firsts, counts: counts)
  }
}
