import Autodiff
import Synchronization

/// The rank of each match of each row, and the nearest rows of each row, out of tiles that come in any
/// order and from several threads.
///
/// Counts do not depend on the order, nor does which rows are nearest, because equally distant ones
/// are told apart by their row.
final class TileRanks<S: Scalar> {
  private let matches: MatchDistances<S>
  private let nearestCount: Int
  /// For each match, how many others come before it.
  private let before: UnsafeMutableBufferPointer<Int32>
  private let nearest: UnsafeMutableBufferPointer<Int32>
  private let nearestSquares: UnsafeMutableBufferPointer<S>
  private let kernels = LineKernels<S>()
  /// One for the rows of each block.
  private let locks: [Lock]

  private final class Lock: Sendable { let mutex = Mutex(()) }

  /// What one thread works with.
  struct Lane {
    fileprivate let places: UnsafeMutablePointer<Int32>
    fileprivate let minima, lines: UnsafeMutablePointer<S>

    init() {
      places = .allocate(capacity: DistanceTiles<S>.width)
      minima = .allocate(capacity: 2 * DistanceTiles<S>.width)
      lines = .allocate(capacity: TileRanks.strip * DistanceTiles<S>.width)
    }

    func deallocate() {
      places.deallocate()
      minima.deallocate()
      lines.deallocate()
    }
  }

  /// Columns of a tile that are turned into lines together.
  private static var strip: Int { 16 }

  init(_ tiles: DistanceTiles<S>, _ matches: MatchDistances<S>, nearestCount: Int) {
    let count = tiles.distances.query.count
    (self.matches, self.nearestCount) = (matches, nearestCount)
    before = .allocate(capacity: matches.rows.count)
    before.initialize(repeating: 0)
    nearest = .allocate(capacity: count * nearestCount)
    nearest.initialize(repeating: .max)
    nearestSquares = .allocate(capacity: count * nearestCount)
    nearestSquares.initialize(repeating: .infinity)
    locks = (0..<tiles.blocks).map { _ in Lock() }
  }

  deinit {
    before.deallocate()
    nearest.deallocate()
    nearestSquares.deallocate()
  }

  func add(_ tile: DistanceTiles<S>.Tile, _ lane: inout Lane) {
    let (height, width) = (tile.rows.count, tile.columns.count)
    let rowMinima = lane.minima + DistanceTiles<S>.width
    lane.minima.update(repeating: .infinity, count: width)
    for row in 0..<height {
      kernels.minima(lane.minima, least: rowMinima + row, tile.line(row), width)
    }
    locks[tile.first].mutex.withLock { _ in
      for row in 0..<height where isReached(tile.rows.lowerBound + row, by: rowMinima[row]) {
        add(
          tile.rows.lowerBound + row, tile.line(row), from: tile.columns.lowerBound, width,
          least: rowMinima[row], lane)
      }
    }
    guard !tile.isOnDiagonal else { return }
    locks[tile.second].mutex.withLock { _ in
      for start in stride(from: 0, to: width, by: TileRanks.strip) {
        let columns = start..<min(width, start + TileRanks.strip)
        guard
          columns.contains(where: { isReached(tile.columns.lowerBound + $0, by: lane.minima[$0]) })
        else { continue }
        tile.transpose(lane.lines, columns: columns)
        for column in columns
        where isReached(tile.columns.lowerBound + column, by: lane.minima[column]) {
          add(
            tile.columns.lowerBound + column, lane.lines + (column - start) * height,
            from: tile.rows.lowerBound, height, least: lane.minima[column], lane)
        }
      }
    }
  }

  /// Whether some distance can come before a match of the row or be among its nearest.
  private func isReached(_ row: Int, by least: S) -> Bool {
    guard least < .infinity else { return false }
    let last = matches.starts[row + 1] - 1
    return last >= matches.starts[row] && least <= matches.squares[last]
      || nearestCount > 0 && least <= nearestSquares[(row + 1) * nearestCount - 1]
  }

  private func add(
    _ row: Int, _ x: UnsafePointer<S>, from first: Int, _ count: Int, least: S, _ lane: Lane
  ) {
    let range = matches.starts[row]..<matches.starts[row + 1]
    if !range.isEmpty, least <= matches.squares[range.upperBound - 1],
      let before = before.baseAddress
    {
      matches.squares.withUnsafeBufferPointer { squares in
        matches.rows.withUnsafeBufferPointer { rows in
          guard let squares = squares.baseAddress, let rows = rows.baseAddress else { return }
          let start = range.lowerBound
          kernels.countNearer(
            before + start, squares + start, rows + start, range.count, x, first: first, count)
        }
      }
    }
    guard nearestCount > 0 else { return }
    let last = (row + 1) * nearestCount - 1
    guard least <= nearestSquares[last] else { return }
    let found = kernels.placesWithin(lane.places, x, limit: nearestSquares[last], count)
    for i in 0..<found {
      let place = Int(lane.places[i])
      insert(x[place], Int32(first + place), downTo: row * nearestCount, from: last)
    }
  }

  private func insert(_ square: S, _ row: Int32, downTo start: Int, from last: Int) {
    guard square < .infinity, comesBefore(square, row, last) else { return }
    var place = last
    while place > start, comesBefore(square, row, place - 1) {
      nearestSquares[place] = nearestSquares[place - 1]
      nearest[place] = nearest[place - 1]
      place -= 1
    }
    (nearestSquares[place], nearest[place]) = (square, row)
  }

  private func comesBefore(_ square: S, _ row: Int32, _ place: Int) -> Bool {
    square != nearestSquares[place] ? square < nearestSquares[place] : row < nearest[place]
  }

  /// The nearest rows of each row, as ``RankPass/nearest``.
  var nearestRows: [Int32] { nearest.map { $0 == .max ? -1 : $0 } }

  /// As ``RankPass/values``.
  func values(_ measures: [@Sendable (Ranks) -> Double]) -> [[Double]] {
    let count = matches.starts.count - 1
    var values = [Double](repeating: .nan, count: measures.count * count)
    values.withUnsafeMutableBufferPointer { values in
      Parallel.forEachRange(count, grain: 1024) { rows in
        var ranks: [Int] = []
        for row in rows where matches.starts[row] < matches.starts[row + 1] {
          ranks.removeAll(keepingCapacity: true)
          for match in matches.starts[row]..<matches.starts[row + 1] {
            ranks.append(1 + Int(before[match]))
          }
          ranks.withUnsafeBufferPointer { ranks in
            for (i, measure) in measures.enumerated() {
              values[i * count + row] = measure(Ranks(values: ranks))
            }
          }
        }
      }
    }
    return measures.indices.map { Array(values[$0 * count..<($0 + 1) * count]) }
  }
}
