import Settings

/// The mean of the terms above 0; 0 without any. O(terms).
/// - Reference: pytorch-metric-learning (2020), `AvgNonZeroReducer`.
public struct AvgNonZeroReducer: Reducer {
  public init() {}
  public static let summary = "the mean of the terms above 0"
  public var bounds: TermBounds { TermBounds(low: 0) }
  public var plain: Reduction? { .meanOfActive }
}
