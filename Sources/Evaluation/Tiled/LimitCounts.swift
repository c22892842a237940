import Autodiff
import Synchronization

/// How many pairs of each class some thresholds accept.
package struct LimitCounts {
  /// For each class: accepted positives, then accepted negatives, by the first threshold that accepts
  /// them. Whole numbers, so the order of the rows does not matter.
  private(set) var counts: [Int]
  private let limits: Int

  package func positives(of number: Int, at limit: Int) -> Int {
    counts[2 * number * limits + limit]
  }
  package func negatives(of number: Int, at limit: Int) -> Int {
    counts[(2 * number + 1) * limits + limit]
  }

  /// - Parameters:
  ///   - thresholds: distances in the scale of the rows.
  ///   - zones: what an earlier pass has counted, if it fits the thresholds.
  ///   - inTiles: whether half of the products may be enough; the numbers are the same.
  package init<S: Scalar>(
    _ distances: DistanceRows<S>, _ thresholds: Ladder<Double>, zones: ZoneCounts<S>? = nil,
    inTiles: Bool = true
  ) {
    limits = thresholds.values.count
    counts = Array(repeating: 0, count: distances.query.members.count * 2 * limits)
    guard inTiles, MatchDistances.areFew(distances) else {
      countByRow(distances, thresholds)
      return
    }
    let squares = thresholds.values.map { LimitCounts.largestSquare(within: $0, S.self) }
    if let zones, let found = zones.counts(within: squares) {
      count(found, zones.matches, Ladder(squares), distances.query)
      return
    }
    let exact = ZoneCounts(
      distances, zones?.matches ?? MatchDistances(distances), zones: squares.map { ($0, $0) })
    let lanes = DistanceTiles(distances).reduce(exact.makeLane) { exact.add($1, &$0) }
    exact.finish(lanes)
    guard let found = exact.counts(within: squares) else {
      preconditionFailure("LimitCounts: thresholds are not in their own zones")
    }
    count(found, exact.matches, Ladder(squares), distances.query)
  }

  /// - Parameter all: pairs of both kinds for each class, a matching one twice.
  private mutating func count<S: Scalar>(
    _ all: [Int32], _ matches: MatchDistances<S>, _ squares: Ladder<S>, _ rows: LabeledRows<S>
  ) {
    for row in 0..<rows.count {
      for match in matches.starts[row]..<matches.starts[row + 1] {
        let first = squares.countBelow(matches.squares[match])
        if first < limits { counts[2 * rows.classes[row] * limits + first] += 1 }
      }
    }
    for number in rows.members.indices {
      for limit in 0..<limits {
        counts[(2 * number + 1) * limits + limit] =
          Int(all[number * limits + limit]) - positives(of: number, at: limit)
      }
    }
  }

  private mutating func countByRow<S: Scalar>(
    _ distances: DistanceRows<S>, _ thresholds: Ladder<Double>
  ) {
    let (query, gallery, limits) = (distances.query, distances.gallery, limits)
    // A square above this is surely above the last threshold.
    let last = thresholds.values[limits - 1]
    let bound = S(last * last * 1.000001)
    let counts = Mutex(self.counts)
    let kernels = LineKernels<S>()
    let initial = (
      accepted: Array(repeating: 0, count: 2 * limits),
      places: [Int32](repeating: 0, count: gallery.count)
    )
    _ = distances.reduce(initial) { lane, row, line in
      let number = query.classes[row]
      guard let x = line.baseAddress else { return }
      let found = lane.places.withUnsafeMutableBufferPointer { places in
        places.baseAddress.map { kernels.placesWithin($0, x, limit: bound, line.count) } ?? 0
      }
      for i in 0..<found {
        let column = Int(lane.places[i])
        let first = thresholds.countBelow(Double(line[column]).squareRoot())
        guard first < limits else { continue }
        let isNegative = gallery.classes[column] != number
        lane.accepted[(isNegative ? limits : 0) + first] += 1
      }
      counts.withLock { counts in
        for i in lane.accepted.indices { counts[number * 2 * limits + i] += lane.accepted[i] }
      }
      for i in lane.accepted.indices { lane.accepted[i] = 0 }
    }
    self.counts = counts.withLock { $0 }
  }

  /// The largest number whose root is at most a threshold; a root that is taken in double rises with
  /// the number.
  package static func largestSquare<S: Scalar>(within threshold: Double, _: S.Type) -> S {
    var square = S(threshold * threshold)
    while square > 0, Double(square).squareRoot() > threshold { square = square.nextDown }
    while Double(square.nextUp).squareRoot() <= threshold { square = square.nextUp }
    return square
  }
}
