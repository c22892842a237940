import Settings

/// The mean of all terms, those of 0 included. O(terms).
/// - Reference: pytorch-metric-learning (2020), `MeanReducer`.
public struct MeanReducer: Reducer {
  public init() {}
  public static let summary = "the mean of all terms, those of 0 included"
  public var plain: Reduction? { .mean }
}
