import Autodiff
import Synchronization

/// Counts pairs by class and threshold before the thresholds are known exactly.
///
/// Each threshold will lie in a zone. Pairs between zones are counted; those within one are kept until
/// the threshold is known. Whole numbers, so it does not matter which thread gets which tile.
package final class ZoneCounts<S: Scalar> {
  package let matches: MatchDistances<S>
  private let rows: LabeledRows<S>
  private let zones: [(low: S, high: S)]
  private let ladder: Ladder<S>
  /// Where the counts of each row's class start.
  private let offsets: [Int32]
  private let kernels = LineKernels<S>()
  /// The counts of each row: those of a block lie together, those of a class would be far apart.
  private let found: UnsafeMutableBufferPointer<Int32>
  /// One for the rows of each block.
  private let locks: [Lock]
  private var kept: [KeptPairs] = []
  private var keptAll = true

  /// A pair within a zone: its squared distance, and the zone's count for both classes.
  package struct Kept { var square: S, first, second: Int32 }

  /// Pairs in memory that does not move.
  fileprivate final class KeptPairs {
    private let all: UnsafeMutablePointer<Kept>
    private(set) var count = 0

    init(capacity: Int) { all = .allocate(capacity: capacity) }

    deinit { all.deallocate() }

    func append(_ pair: Kept) {
      (all + count).initialize(to: pair)
      count += 1
    }

    var pairs: UnsafeBufferPointer<Kept> { UnsafeBufferPointer(start: all, count: count) }
  }

  /// What one thread works with.
  package struct Lane {
    fileprivate let places: UnsafeMutablePointer<Int32>
    /// The counts of a tile's rows and columns, which stay in the cache until it is done.
    fileprivate let rows, columns: UnsafeMutablePointer<UInt16>
    /// The block that the rows are of, and how many tiles they have met.
    fileprivate var block: Int?
    fileprivate var tiles = 0
    fileprivate var kept: [KeptPairs] = []
    fileprivate var keepsAll = true
  }

  private final class Lock: Sendable { let mutex = Mutex(()) }

  /// Pairs that are kept at most, by all threads together: about three quarters of a gigabyte.
  private static var most: Int { 64 << 20 }
  private static var partSize: Int { 1 << 16 }

  /// - Parameter zones: squared distances, the zones ascending and apart.
  package init(
    _ distances: DistanceRows<S>, _ matches: MatchDistances<S>, zones: [(low: S, high: S)]
  ) {
    let rows = distances.query
    (self.rows, self.matches, self.zones) = (rows, matches, zones)
    ladder = Ladder(zones.flatMap { [$0.low, $0.high] }, partsPerValue: 16)
    offsets = rows.classes.map { Int32($0 * zones.count) }
    found = .allocate(capacity: rows.count * zones.count)
    found.initialize(repeating: 0)
    let width = DistanceTiles<S>.width
    locks = (0..<(rows.count + width - 1) / width).map { _ in Lock() }
  }

  deinit { found.deallocate() }

  /// The zones of thresholds evenly spread between two quantiles, of which an estimate is known.
  ///
  /// - Returns: nil if they would overlap.
  package convenience init?(
    _ distances: DistanceRows<S>, _ matches: MatchDistances<S>, _ estimate: QuantileEstimate,
    count: Int
  ) {
    func value(_ first: Double, _ tenth: Double, _ i: Int) -> Double {
      first + (tenth - first) * Double(i) / Double(count - 1)
    }
    let zones = (0..<count).map { i -> (low: S, high: S) in
      let low = value(estimate.first.lowerBound, estimate.tenth.lowerBound, i)
      let high = value(estimate.first.upperBound, estimate.tenth.upperBound, i)
      return (S(low * low).nextDown, S(high * high).nextUp)
    }
    guard zones[0].low > 0, zip(zones, zones.dropFirst()).allSatisfy({ $0.high < $1.low }) else {
      return nil
    }
    self.init(distances, matches, zones: zones)
  }

  package func makeLane() -> Lane {
    let width = DistanceTiles<S>.width
    let lane = Lane(
      places: .allocate(capacity: width), rows: .allocate(capacity: width * zones.count),
      columns: .allocate(capacity: width * zones.count))
    lane.rows.initialize(repeating: 0, count: width * zones.count)
    lane.columns.initialize(repeating: 0, count: width * zones.count)
    return lane
  }

  /// A square above this counts for no threshold.
  package var last: S { ladder.values[ladder.values.count - 1] }

  /// Counts the pairs of a tile, each once.
  package func add(_ tile: DistanceTiles<S>.Tile, _ lane: inout Lane) {
    let places = lane.places
    withTable { table in
      for row in 0..<tile.rows.count {
        let x = tile.pairs(row)
        let count = kernels.placesWithin(places, x.base, limit: last, x.count)
        add(row, of: tile, table, places, count, &lane)
      }
    }
    finish(tile, &lane)
  }

  /// Calls `body` with the zones as kernels read them.
  package func withTable(_ body: (LineKernels<S>.LadderTable) -> Void) {
    _ = ladder.withTable(body)
  }

  /// Counts pairs of a row of a tile.
  ///
  /// - Parameter places: those of all pairs that may count, out of ``DistanceTiles/Tile/pairs(_:)``;
  ///   they are overwritten.
  package func add(
    _ row: Int, of tile: DistanceTiles<S>.Tile, _ table: LineKernels<S>.LadderTable,
    _ places: UnsafeMutablePointer<Int32>, _ count: Int, _ lane: inout Lane
  ) {
    if lane.block != tile.first {
      takeRows(&lane)
      lane.block = tile.first
    }
    guard count > 0 else { return }
    let x = tile.pairs(row)
    let skipped = tile.columns.count - x.count
    let unsure = kernels.countLimits(
      lane.rows + row * zones.count, lane.columns + skipped * zones.count, places, count, x.base,
      table)
    guard unsure > 0 else { return }
    guard let kept = room(for: unsure, &lane) else { return }
    let own = offsets[tile.rows.lowerBound + row]
    offsets.withUnsafeBufferPointer { offsets in
      for i in 0..<unsure {
        let (place, zone) = (Int(places[i] & 0xffff), places[i] >> 16)
        let other = offsets[tile.columns.lowerBound + skipped + place]
        kept.append(Kept(square: x.base[place], first: own + zone, second: other + zone))
      }
    }
  }

  /// Takes the counts of a tile, once its rows are counted.
  package func finish(_ tile: DistanceTiles<S>.Tile, _ lane: inout Lane) {
    take(lane.columns, of: tile.second)
    lane.tiles += 1
    // More tiles could be more than a count holds.
    if lane.tiles * DistanceTiles<S>.width > Int(UInt16.max) - DistanceTiles<S>.width {
      takeRows(&lane)
    }
  }

  private func takeRows(_ lane: inout Lane) {
    if let block = lane.block { take(lane.rows, of: block) }
    (lane.block, lane.tiles) = (nil, 0)
  }

  private func take(_ counts: UnsafeMutablePointer<UInt16>, of block: Int) {
    guard let found = found.baseAddress else { return }
    let start = block * DistanceTiles<S>.width
    let rows = start..<min(self.rows.count, start + DistanceTiles<S>.width)
    locks[block].mutex.withLock { _ in
      kernels.takeCounts(
        found + rows.lowerBound * zones.count, counts, rows.count * zones.count)
    }
  }

  /// Where a thread keeps so many pairs more; nil if they are too many.
  private func room(for count: Int, _ lane: inout Lane) -> KeptPairs? {
    guard lane.keepsAll else { return nil }
    if let last = lane.kept.last, last.count + count <= ZoneCounts.partSize { return last }
    guard lane.kept.count * ZoneCounts.partSize < ZoneCounts.most / Parallel.threadCount else {
      (lane.keepsAll, lane.kept) = (false, [])
      return nil
    }
    let part = KeptPairs(capacity: ZoneCounts.partSize)
    lane.kept.append(part)
    return part
  }

  /// Takes what the threads have counted, once their tiles are done.
  package func finish(_ lanes: [Lane]) {
    for var lane in lanes {
      takeRows(&lane)
      kept += lane.kept
      keptAll = keptAll && lane.keepsAll
      lane.places.deallocate()
      lane.rows.deallocate()
      lane.columns.deallocate()
    }
  }

  /// For each class the pairs, matching ones twice, by the first threshold that accepts them.
  ///
  /// - Parameter squares: the thresholds.
  /// - Returns: nil if a threshold is not in its zone, or if the pairs within the zones were too many.
  package func counts(within squares: [S]) -> [Int32]? {
    guard keptAll, squares.count == zones.count,
      zip(squares, zones).allSatisfy({ $0 >= $1.low && $0 <= $1.high })
    else { return nil }
    let count = Int32(zones.count)
    var sums = [Int32](repeating: 0, count: rows.members.count * zones.count)
    for (row, start) in offsets.enumerated() {
      for zone in 0..<zones.count { sums[Int(start) + zone] += found[row * zones.count + zone] }
    }
    let pieces = min(kept.count, Parallel.threadCount)
    var lanes = Array(repeating: [Int32](repeating: 0, count: sums.count), count: pieces)
    lanes.withUnsafeMutableBufferPointer { lanes in
      Parallel.forEach(pieces) { piece in
        lanes[piece].withUnsafeMutableBufferPointer { counts in
          for part in stride(from: piece, to: kept.count, by: pieces) {
            for pair in kept[part].pairs {
              // The zone's threshold accepts it, or the next one does, if there is one.
              let zone = pair.first % count
              let next: Int32 = pair.square > squares[Int(zone)] ? 1 : 0
              guard zone + next < count else { continue }
              counts[Int(pair.first + next)] += 1
              counts[Int(pair.second + next)] += 1
            }
          }
        }
      }
    }
    return lanes.reduce(sums) { zip($0, $1).map { $0 + $1 } }
  }
}
