import Settings

/// The sum of all terms. O(terms).
/// - Reference: pytorch-metric-learning (2020), `SumReducer`.
public struct SumReducer: Reducer {
  public init() {}
  public static let summary = "the sum of all terms"
  public var plain: Reduction? { .sum }
  public func divisor(of rows: [TermSum]) -> Double { 1 }
}
