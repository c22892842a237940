import Foundation

/// The ranks of the matches of one query among all neighbours: 1 is the nearest.
package struct Ranks {
  /// Ascending, never empty.
  package let values: UnsafeBufferPointer<Int>

  /// R: how many matches there are.
  package var count: Int { values.count }
  package var first: Int { values[0] }
  package var last: Int { values[values.count - 1] }

  /// How many matches are among the nearest `k`.
  package func countWithin(_ k: Int) -> Int { values.firstIndex { $0 > k } ?? values.count }

  /// Σ precision(rank) / R over the matches among the nearest `k`.
  package func averagePrecision(within k: Int) -> Double {
    var sum = 0.0
    for (i, rank) in values.enumerated() {
      guard rank <= k else { break }
      sum += Double(i + 1) / Double(rank)
    }
    return sum / Double(count)
  }

  /// Σ 1 / log₂(rank + 1) over the matches among the nearest `k`, divided by the most that it can be.
  package func discountedGain(within k: Int) -> Double {
    var (gain, ideal) = (0.0, 0.0)
    for (i, rank) in values.prefix(k).enumerated() {
      if rank <= k { gain += 1 / log2(Double(rank + 1)) }
      ideal += 1 / log2(Double(i + 2))
    }
    return gain / ideal
  }
}
