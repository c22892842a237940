import Autodiff

/// A pass over the pairs that do not match, once the matching ones are known.
package struct NegativePass {
  /// Σ over negatives of 2 × (positives nearer) + (positives equally near).
  package let twicePositivesBelow: Int
  /// The negatives of the wanted bins.
  package let tallies: [Int: Tally]

  private struct Accumulator {
    var twicePositivesBelow = 0
    var tallies: [Tally]
    var places: [Int32] = []
  }

  package init(twicePositivesBelow: Int, tallies: [Int: Tally]) {
    (self.twicePositivesBelow, self.tallies) = (twicePositivesBelow, tallies)
  }

  package init<S: Scalar>(
    _ distances: DistanceRows<S>, positives: Ladder<S>, bins: [Int]
  ) {
    let (query, gallery) = (distances.query, distances.gallery)
    let places = Dictionary(uniqueKeysWithValues: zip(bins, bins.indices))
    var marks = [UInt8](repeating: 0, count: DistanceBin.count)
    for bin in bins { marks[bin] = 1 }
    let kernels = LineKernels<S>()
    let initial = Accumulator(tallies: bins.map { _ in Tally() })
    let accumulators = marks.withUnsafeBufferPointer { marks in
      distances.reducePairs(initial) { lane, row, first, line in
        guard let x = line.baseAddress, let marks = marks.baseAddress else { return }
        lane.twicePositivesBelow += positives.twiceBelow(kernels, x, line.count)
        if lane.places.count < line.count {
          lane.places = [Int32](repeating: 0, count: gallery.count)
        }
        let found = lane.places.withUnsafeMutableBufferPointer { places in
          places.baseAddress.map { kernels.placesMarked($0, x, marks, line.count) } ?? 0
        }
        for i in 0..<found {
          let column = Int(lane.places[i])
          guard gallery.classes[first + column] != query.classes[row],
            let place = places[DistanceBin.of(x[column])]
          else { continue }
          lane.tallies[place].add(Double(x[column]))
        }
      }
    }
    // Each positive met all positives too: Σ 2 · (less) + (equal) is the square of how many they are.
    let own = positives.values.count * positives.values.count
    twicePositivesBelow = accumulators.reduce(0) { $0 + $1.twicePositivesBelow } - own
    var tallies: [Int: Tally] = [:]
    for (i, bin) in bins.enumerated() { tallies[bin] = Tally(accumulators.map { $0.tallies[i] }) }
    self.tallies = tallies
  }
}

/// Numbers with how often each occurs; equal ones take no more memory however many there are.
package struct Tally {
  /// Ascending, without repetition, once all are in.
  package private(set) var runs: [(value: Double, count: Int)] = []
  private var pending: [Double] = []

  package init() {}

  /// - Parameter runs: ascending, without repetition.
  package init(runs: [(value: Double, count: Int)]) { self.runs = runs }

  package init(_ parts: [Tally]) {
    for part in parts {
      runs += part.runs
      pending += part.pending
    }
    compact()
  }

  package mutating func add(_ value: Double) {
    pending.append(value)
    if pending.count >= max(1 << 16, runs.count) { compact() }
  }

  /// The number at a position in ascending order.
  package func value(at position: Int) -> Double {
    var passed = 0
    for run in runs {
      passed += run.count
      if passed > position { return run.value }
    }
    return runs.last?.value ?? 0
  }

  private mutating func compact() {
    let all = (runs + pending.map { (value: $0, count: 1) }).sorted { $0.value < $1.value }
    runs.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    for run in all {
      if let last = runs.last, last.value == run.value {
        runs[runs.count - 1].count += run.count
      } else {
        runs.append(run)
      }
    }
  }
}
