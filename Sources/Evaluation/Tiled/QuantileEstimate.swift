import Autodiff

/// About where the distances lie that 1 % and 10 % of the pairs that do not match do not exceed, out of
/// a sample of tiles.
///
/// The tiles are those of pairs of blocks that are equally far apart, going round: every row occurs
/// equally often, so what rows have in common, such as that one is near to all, does not disturb.
package struct QuantileEstimate {
  /// Distances, in the scale of the rows, between which the quantile will lie, four standard
  /// deviations away from what was found.
  package let first, tenth: ClosedRange<Double>

  /// The rates of false accepts between which classes are compared.
  package static let rates = (first: 0.01, tenth: 0.1)
  /// Of all pairs, about twice this share is looked at.
  private static let share = 0.03
  /// So many pairs are looked at at least, as far as there are.
  private static let fewest = 14_000_000

  /// - Returns: nil if there are too few blocks for a sample of them.
  package init?<S: Scalar>(_ tiles: DistanceTiles<S>, _ matches: MatchDistances<S>) {
    guard tiles.blocks > 8 else { return nil }
    let tile = DistanceTiles<S>.width * DistanceTiles<S>.width
    let count = min(
      tiles.blocks / 2,
      max(
        Int(QuantileEstimate.share * Double(tiles.blocks)),
        QuantileEstimate.fewest / tile / tiles.blocks + 1))
    let apart = (0..<count).map { 1 + $0 * (tiles.blocks / 2) / count }
    let diagonals = Set(apart + apart.map { tiles.blocks - $0 })

    let kernels = LineKernels<S>()
    let cellCount = 1 << (31 - LineKernels<S>.cellShift)
    let marks: [UInt8] = [0]
    let width = DistanceTiles<S>.width
    func makeLane() -> (cells: [UInt32], places: [Int32], near: [Int32]) {
      let places = [Int32](repeating: 0, count: width)
      return (Array(repeating: 0, count: cellCount), places, places)
    }
    let lanes = tiles.reduce(diagonals: diagonals.sorted(), makeLane) { lane, tile in
      var roots = 0.0
      for row in 0..<tile.rows.count {
        _ = kernels.countCells(
          &lane.cells, &lane.places, near: &lane.near, roots: &roots, tile.line(row), marks,
          marked: 0, nearCells: 0, countsAll: true, tile.columns.count)
      }
    }
    func cell(_ square: S) -> Int {
      Int(Float(square).bitPattern >> UInt32(LineKernels<S>.cellShift))
    }
    var counts = [Int](repeating: 0, count: cellCount)
    for lane in lanes { for (i, found) in lane.cells.enumerated() { counts[i] += Int(found) } }
    counts[cell(.infinity)] = 0
    for row in 0..<matches.starts.count - 1 {
      for i in matches.starts[row]..<matches.starts[row + 1] where matches.rows[i] > row {
        if diagonals.contains(Int(matches.rows[i]) / width - row / width) {
          counts[cell(matches.squares[i])] -= 1
        }
      }
    }
    let total = counts.reduce(0.0) { $0 + Double($1) }
    guard total > 0 else { return nil }
    func distance(_ rank: Double) -> Double {
      var below = 0.0
      for (i, count) in counts.enumerated() where count > 0 {
        let end = below + Double(count)
        if end >= rank {
          let low = Double(Float(bitPattern: UInt32(i) << UInt32(LineKernels<S>.cellShift)))
          let high = Double(Float(bitPattern: UInt32(i + 1) << UInt32(LineKernels<S>.cellShift)))
          return (low + (high - low) * max(0, rank - below) / Double(count)).squareRoot()
        }
        below = end
      }
      return 0
    }
    func range(_ rate: Double) -> ClosedRange<Double> {
      let margin = 4 * (rate * (1 - rate) * total).squareRoot() + 1
      let low = distance(rate * total - margin)
      return low...max(low, distance(min(total, rate * total + margin)))
    }
    (first, tenth) = (range(QuantileEstimate.rates.first), range(QuantileEstimate.rates.tenth))
  }

  /// The bins that hold both ranges, ascending; none if there are many.
  package var bins: [Int] {
    var bins: Set<Int> = []
    for range in [first, tenth] {
      let low = DistanceBin.of(range.lowerBound * range.lowerBound)
      let high = DistanceBin.of(range.upperBound * range.upperBound)
      guard high - low < 32 else { return [] }
      bins.formUnion(low...high)
    }
    return bins.sorted()
  }
}
