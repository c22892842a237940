import Autodiff

/// A pass over the pairs that do not match, once the matching ones are known.
struct NegativePass {
  /// Σ over negatives of 2 × (positives nearer) + (positives equally near).
  let twicePositivesBelow: Int
  /// The negatives of the wanted bins.
  let tallies: [Int: Tally]

  private struct Accumulator {
    var twicePositivesBelow = 0
    var tallies: [Tally]
  }

  init<S: Scalar>(
    _ distances: DistanceRows<S>, positives: Ladder<S>, bins: [Int]
  ) {
    // 0: not wanted; otherwise one more than the place in `bins`.
    var places = Array(repeating: Int32(0), count: DistanceBin.count)
    for (i, bin) in bins.enumerated() { places[bin] = Int32(i + 1) }
    let initial = Accumulator(tallies: bins.map { _ in Tally() })
    let classes = distances.gallery.classes
    let accumulators = distances.reduce(initial) { lane, row, line in
      let number = distances.query.classes[row]
      let first = distances.isSelf ? row + 1 : 0
      var sum = 0
      for column in first..<max(first, line.count) where classes[column] != number {
        let x = line[column]
        let below = positives.countBelow(x)
        sum += 2 * below
        if below < positives.values.count, positives.values[below] == x {
          sum += positives.countBelow(x.nextUp) - below
        }
        let place = places[DistanceBin.of(x)]
        if place > 0 { lane.tallies[Int(place) - 1].add(Double(x)) }
      }
      lane.twicePositivesBelow += sum
    }
    twicePositivesBelow = accumulators.reduce(0) { $0 + $1.twicePositivesBelow }
    var tallies: [Int: Tally] = [:]
    for (i, bin) in bins.enumerated() { tallies[bin] = Tally(accumulators.map { $0.tallies[i] }) }
    self.tallies = tallies
  }
}

/// Numbers with how often each occurs; equal ones take no more memory however many there are.
struct Tally {
  /// Ascending, without repetition, once all are in.
  private(set) var runs: [(value: Double, count: Int)] = []
  private var pending: [Double] = []

  init() {}

  init(_ parts: [Tally]) {
    for part in parts {
      runs += part.runs
      pending += part.pending
    }
    compact()
  }

  mutating func add(_ value: Double) {
    pending.append(value)
    if pending.count >= max(1 << 16, runs.count) { compact() }
  }

  /// The number at a position in ascending order.
  func value(at position: Int) -> Double {
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
