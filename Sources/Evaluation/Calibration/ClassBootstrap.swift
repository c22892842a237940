import Autodiff
import Foundation

/// Draws of as many classes as there are, with replacement: how often each was drawn.
///
/// A statistic of a draw counts a pair of different classes as often as the product of both
/// multiplicities, so that no draw needs memory for its pairs; copies of one class make no pairs
/// that do not match.
package struct ClassBootstrap {
  /// Rows of each class.
  package let sizes: [Int]
  package let draws: Int
  package let random: Random

  package init(sizes: [Int], draws: Int, random: Random) {
    (self.sizes, self.draws, self.random) = (sizes, draws, random)
  }

  /// Unordered pairs of rows of different classes, class c counting `weights[c]` times.
  package func negativePairs(_ weights: [Int]) -> Int {
    var (sum, squares) = (0, 0)
    for (size, weight) in zip(sizes, weights) {
      sum += size * weight
      squares += size * weight * size * weight
    }
    return (sum * sum - squares) / 2
  }

  /// The statistic of every draw; nil where a draw has none.
  package func values(_ statistic: (_ weights: [Int]) -> Double?) -> [Double?] {
    var values = [Double?](repeating: nil, count: draws)
    values.withUnsafeMutableBufferPointer { values in
      let values = values
      Parallel.forEach(draws) { draw in
        var random = random.split(UInt64(draw))
        values[draw] = statistic(weights(&random))
      }
    }
    return values
  }

  private func weights(_ random: inout Random) -> [Int] {
    while true {
      var weights = [Int](repeating: 0, count: sizes.count)
      for _ in sizes { weights[random.below(sizes.count)] += 1 }
      // A draw of one class alone has no pairs that do not match.
      if sizes.count < 2 || negativePairs(weights) > 0 { return weights }
    }
  }

  /// Φ(−t √(n / (n − 1))), where t is the 97.5 % quantile of Student's distribution with n − 1 degrees
  /// of freedom (Cornish and Fisher's expansion); less than 2.5 %.
  private static func expandedShare(_ n: Int) -> Double {
    guard n > 2 else { return 0 }
    let (z, freedom) = (1.959963984540054, Double(n - 1))
    let first = (z * z * z + z) / 4
    let second = (5 * z * z * z * z * z + 16 * z * z * z + 3 * z) / 96
    let t = z + first / freedom + second / (freedom * freedom)
    return erfc(t * (Double(n) / freedom).squareRoot() / 2.0.squareRoot()) / 2
  }

  /// The interval that holds the middle 95 % of the values (linear between neighbours).
  ///
  /// - Parameter units: how many units a draw takes, if the interval is to be widened to what
  ///   Student's distribution asks for so few (expanded percentiles; Hesterberg, What Teachers Should
  ///   Know About the Bootstrap, 2015).
  package static func interval(_ values: [Double?], units: Int? = nil) -> ClosedRange<Double>? {
    let sorted = values.compactMap { $0 }.sorted()
    guard !sorted.isEmpty else { return nil }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let next = sorted[min(below + 1, sorted.count - 1)]
      return sorted[below] + (place - Double(below)) * (next - sorted[below])
    }
    let share = units.map(expandedShare) ?? 0.025
    let low = quantile(share)
    return low...max(low, quantile(1 - share))
  }
}
