import Autodiff

/// Terms of a loss, summed.
public struct TermSum: Sendable {
  /// The sum of the terms.
  public private(set) var total = 0.0
  /// How many terms there are, how many of them are above 0, and how many were left out.
  public private(set) var count = 0
  public private(set) var activeCount = 0
  public private(set) var skippedCount = 0
  /// What the sum is divided by under a reducer that leaves it to the loss; nil for the count.
  public var divisor: Double?
  /// Which terms count.
  let bounds: TermBounds
  /// How many terms were out of bounds.
  private(set) var refusedCount = 0

  public init() { bounds = TermBounds() }
  init(within bounds: TermBounds) { self.bounds = bounds }

  /// Whether some terms may not count, so that they must be added one by one.
  var isSelective: Bool { bounds != TermBounds() }

  /// Adds a term that occurs `times` times.
  ///
  /// - Returns: whether it counts. Where a row has several terms, those that do not count must add
  ///   nothing to the derivatives.
  @inline(__always)
  @discardableResult
  public mutating func add(_ term: Double, times: Int = 1) -> Bool {
    guard counts(term, times: times) else { return false }
    total += term * Double(times)
    count += times
    if term > 0 { activeCount += times }
    return true
  }

  /// Whether a term counts that is added later, if it does.
  @inline(__always)
  mutating func counts(_ term: Double, times: Int) -> Bool {
    guard !bounds.contains(term) else { return true }
    refusedCount += times
    return false
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

  /// How many terms there are, those included that do not count.
  var allCount: Int { count + skippedCount + refusedCount }

  mutating func add(_ other: TermSum) {
    total += other.total
    count += other.count
    activeCount += other.activeCount
    skippedCount += other.skippedCount
    refusedCount += other.refusedCount
    if let more = other.divisor { divisor = (divisor ?? 0) + more }
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

  init() {}
  init(within bounds: TermBounds) {
    (terms, negativeTerms) = (TermSum(within: bounds), TermSum(within: bounds))
  }

  /// The share of all terms that are above 0.
  var active: Double {
    let count = terms.allCount + negativeTerms.allCount
    return count > 0 ? Double(terms.activeCount + negativeTerms.activeCount) / Double(count) : 0
  }

  mutating func add(_ other: LossSums) {
    terms.add(other.terms)
    negativeTerms.add(other.negativeTerms)
  }
}

/// How terms become one number, where sums over all rows are enough.
public enum Reduction: Sendable {
  /// The mean of all terms; 0 if there are none.
  case mean
  /// The mean of the terms that are above 0; 0 if there are none.
  case meanOfActive
  case sum
  /// The sum over a divisor of the loss's own; without one, the mean.
  case divisor

  /// The reducer that reduces so.
  public var reducer: any Reducer {
    switch self {
    case .mean: MeanReducer()
    case .meanOfActive: AvgNonZeroReducer()
    case .sum: SumReducer()
    case .divisor: DivisorReducer()
    }
  }

  /// The name of that reducer.
  public var name: String {
    allReducers.first { type(of: $0.value) == type(of: reducer) }?.name ?? ""
  }

  /// What the sum of the terms is divided by.
  func divisor(for terms: TermSum) -> Double {
    switch self {
    case .mean: Double(max(1, terms.count))
    case .meanOfActive: Double(max(1, terms.activeCount))
    case .sum: 1
    case .divisor: max(1, terms.divisor ?? Double(terms.count))
    }
  }
}
