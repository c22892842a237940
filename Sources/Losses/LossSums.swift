import Autodiff

/// Terms of a loss, summed.
public struct TermSum: Sendable {
  /// The sum of the terms.
  public private(set) var total = 0.0
  /// How many terms there are, how many of them are above 0, and how many were left out.
  public private(set) var count = 0
  public private(set) var activeCount = 0
  public private(set) var skippedCount = 0

  public init() {}

  /// Adds a term that occurs `times` times.
  @inline(__always)
  public mutating func add(_ term: Double, times: Int = 1) {
    total += term * Double(times)
    count += times
    if term > 0 { activeCount += times }
  }

  /// Adds many terms at once.
  public mutating func add(total: Double, count: Int, activeCount: Int) {
    self.total += total
    self.count += count
    self.activeCount += activeCount
  }

  /// Counts a term that belongs to no mean, but of which it is worth knowing that it is not above 0.
  @inline(__always)
  public mutating func skip(times: Int = 1) { skippedCount += times }

  mutating func add(_ other: TermSum) {
    total += other.total
    count += other.count
    activeCount += other.activeCount
    skippedCount += other.skippedCount
  }
}

extension TermSum {
  /// Adds the terms of one side of a row, each as often as said.
  mutating func add(_ side: PairTerms, times: Int = 1) {
    add(
      total: side.total * Double(times), count: side.count * times,
      activeCount: side.activeCount * times)
  }
}

/// The sums that a loss is made of.
public struct LossSums: Sendable {
  /// The terms, or those of positive pairs where the two kinds are reduced apart.
  public var terms = TermSum()
  /// The terms of negative pairs where the two kinds are reduced apart.
  public var negativeTerms = TermSum()

  /// The share of all terms that are above 0.
  var active: Double {
    let count =
      terms.count + terms.skippedCount + negativeTerms.count + negativeTerms.skippedCount
    return count > 0 ? Double(terms.activeCount + negativeTerms.activeCount) / Double(count) : 0
  }

  mutating func add(_ other: LossSums) {
    terms.add(other.terms)
    negativeTerms.add(other.negativeTerms)
  }
}

/// How terms become one number.
public enum Reduction: Sendable {
  /// The mean of all terms; 0 if there are none.
  case mean
  /// The mean of the terms that are above 0; 0 if there are none.
  case meanOfActive
  case sum

  /// What the sum of the terms is divided by.
  func divisor(for terms: TermSum) -> Double {
    switch self {
    case .mean: Double(max(1, terms.count))
    case .meanOfActive: Double(max(1, terms.activeCount))
    case .sum: 1
    }
  }
}
