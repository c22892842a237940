import Foundation
import Settings

/// One direction of a chart: what it shows, from where to where, with marks at round numbers.
struct Axis {
  let label: String
  let range: ClosedRange<Double>
  let isLogarithmic: Bool
  /// Whether there is nothing between whole numbers, as with steps.
  let isWhole: Bool

  /// An axis over what is to be shown, widened to a span where all of it is equal.
  init(_ label: String, over values: some Sequence<Double>, isWhole: Bool = false) {
    let finite = values.filter(\.isFinite)
    let (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    let margin = high > low ? 0 : max(abs(high) * 0.1, 1e-9)
    self.init(label, range: low - margin...high + margin, isWhole: isWhole)
  }

  /// - Parameter isLogarithmic: for a range above 0.
  init(
    _ label: String, range: ClosedRange<Double>, isLogarithmic: Bool = false, isWhole: Bool = false
  ) {
    (self.label, self.range) = (label, range)
    (self.isLogarithmic, self.isWhole) = (isLogarithmic, isWhole)
  }

  /// Where a value stands, from 0 to 1; values outside stand at the ends.
  func place(_ value: Double) -> Double {
    let share: Double
    if isLogarithmic {
      let (low, high) = (log10(range.lowerBound), log10(range.upperBound))
      share = (log10(max(value, range.lowerBound)) - low) / (high - low)
    } else {
      share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }
    return min(1, max(0, share))
  }

  var ticks: [(value: Double, text: String)] {
    if isLogarithmic {
      let powers =
        Int(log10(range.lowerBound).rounded(.up))...Int(log10(range.upperBound).rounded(.down))
      return powers.map { (pow(10, Double($0)), tickText(pow(10, Double($0)))) }
    }
    let span = range.upperBound - range.lowerBound
    let rough = isWhole ? max(1, span / 5) : span / 5
    let power = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
    let first = Int(within: (range.lowerBound / step - 1e-9).rounded(.up))
    let last = Int(within: (range.upperBound / step + 1e-9).rounded(.down))
    // A span that is hardly wider than its numbers are exact has no round numbers in it.
    guard first <= last, max(first.magnitude, last.magnitude) < 1 << 53, last - first < 20 else {
      return []
    }
    return (first...last).map { (Double($0) * step, tickText(Double($0) * step)) }
  }
}

/// A round number in little room: as it is, or as a power of ten.
private func tickText(_ value: Double) -> String {
  let size = abs(value)
  guard value != 0, size < 0.001 || size >= 100_000 else { return String(format: "%.4g", value) }
  let exponent = Int(log10(size * (1 + 1e-9)).rounded(.down))
  return String(format: "%.3g", value / pow(10, Double(exponent))) + "e\(exponent)"
}
