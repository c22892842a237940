import Autodiff

/// The pairs that do not match, by the cells and gaps of ``PairCells``.
package struct NegativeCells<S: Scalar> {
  /// How many fall into each bin; see ``DistanceBin``.
  package let bins: [Int]
  /// Σ over negatives of 2 × (positives nearer) + (positives equally near).
  package let twicePositivesBelow: Int
  package let exactBins: [Int]
  private let positives: [S]
  private let numbers, firsts: [Int32]
  private let counts: PairCells<S>.Totals

  package init(
    positives: [S], exactBins: [Int], numbers: [Int32], firsts: [Int32],
    counts: PairCells<S>.Totals
  ) {
    (self.positives, self.exactBins, self.counts) = (positives, exactBins, counts)
    (self.numbers, self.firsts) = (numbers, firsts)
    let perBin = counts.cells.count / DistanceBin.count
    bins = (0..<DistanceBin.count).map { bin in
      counts.cells[bin * perBin..<(bin + 1) * perBin].reduce(0, +)
    }
    var (twice, before) = (0, 0)
    for (cell, count) in counts.cells.enumerated() {
      guard numbers[cell] >= 0 else {
        twice += count * 2 * before
        continue
      }
      let number = Int(numbers[cell])
      let values = Int(firsts[number])...Int(firsts[number + 1])
      for below in 2 * values.lowerBound...2 * values.upperBound {
        twice += counts.gaps[below + number] * below
      }
      before = values.upperBound
    }
    twicePositivesBelow = twice
  }

  /// Whether a tenth of the negatives, and the next, lie before the last bin, where those may be that
  /// are not counted bin by bin.
  package var holdsTenth: Bool {
    let last = DistanceBin.of(Float.greatestFiniteMagnitude)
    let total = bins.reduce(0, +)
    return total - bins[last] > total / 10 + 1
  }

  /// Each negative of some bins: in exact bins with its own distance, in others with one in the same
  /// gap between positives.
  package func pass(_ bins: Set<Int>) -> NegativePass {
    var tallies: [Int: Tally] = [:]
    for bin in bins {
      tallies[bin] = Tally(runs: exactBins.firstIndex(of: bin).map { exactRuns($0) } ?? runs(bin))
    }
    return NegativePass(twicePositivesBelow: twicePositivesBelow, tallies: tallies)
  }

  private func exactRuns(_ number: Int) -> [(value: Double, count: Int)] {
    let size = counts.exact.count / exactBins.count
    return (0..<size).compactMap { offset in
      let count = counts.exact[number * size + offset]
      guard count > 0 else { return nil }
      return (Double(Float(bitPattern: UInt32(exactBins[number] * size + offset))), count)
    }
  }

  private func runs(_ bin: Int) -> [(value: Double, count: Int)] {
    let perBin = counts.cells.count / DistanceBin.count
    var runs: [(value: Double, count: Int)] = []
    for cell in bin * perBin..<(bin + 1) * perBin where counts.cells[cell] > 0 {
      let start = Double(Float(bitPattern: UInt32(cell) << UInt32(PairCells<S>.cellShift)))
      let end = Double(Float(bitPattern: UInt32(cell + 1) << UInt32(PairCells<S>.cellShift)))
      guard numbers[cell] >= 0 else {
        runs.append(((start + end) / 2, counts.cells[cell]))
        continue
      }
      let number = Int(numbers[cell])
      let (first, last) = (Int(firsts[number]), Int(firsts[number + 1]))
      for twice in 2 * first...2 * last where counts.gaps[twice + number] > 0 {
        // Equally near: one of the values; else between two of them, or a value and an end.
        let (below, upto) = gap(twice, first, last)
        let low = below > first ? Double(positives[below - 1]) : start
        let high = upto < last ? Double(positives[upto]) : end
        let value = upto > below ? Double(positives[below]) : (low + high) / 2
        runs.append((value, counts.gaps[twice + number]))
      }
    }
    return runs
  }

  /// How many positives are less and how many are not above what is counted at a place.
  private func gap(_ twice: Int, _ first: Int, _ last: Int) -> (below: Int, upto: Int) {
    let middle = twice / 2
    if twice % 2 == 0,
      middle == first || middle == last || positives[middle - 1] != positives[middle]
    {
      return (middle, middle)
    }
    // Equal values from `below` to `upto`, whose sum is `twice`.
    var below = middle
    while below > first, positives[below - 1] == positives[middle] { below -= 1 }
    return (below, twice - below)
  }
}
