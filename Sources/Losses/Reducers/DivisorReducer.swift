import Settings

/// The sum of the terms, divided by a number of the loss's own: for margin the hinges above 0, for
/// proxy-anchor the classes that are there, and all classes. O(terms).
/// - Reference: pytorch-metric-learning (2020), `DivisorReducer`.
public struct DivisorReducer: Reducer {
  public init() {}
  public static let summary = "the sum of the terms over a divisor of the loss's own"
  public var plain: Reduction? { .divisor }
  public func divisor(of rows: [TermSum]) -> Double {
    max(1, rows.reduce(0) { $0 + ($1.divisor ?? Double($1.count)) })
  }
}
