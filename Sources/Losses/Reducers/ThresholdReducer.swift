import Settings

/// The mean of the terms above `low` and below `high`; 0 without any. O(terms).
///
/// Defaults: low 0 and no upper bound, which is avg-non-zero.
/// - Reference: pytorch-metric-learning (2020), `ThresholdReducer`.
public struct ThresholdReducer: Reducer {
  public var low: Double? = 0
  public var high: Double?
  public init() {}

  public static let summary = "the mean of the terms above one number and below another"
  public static let settings = [
    Setting("low", \Self.low, "what a term must be above to count"),
    Setting("high", \Self.high, "what a term must be below to count"),
  ]
  public var bounds: TermBounds { TermBounds(low: low ?? -.infinity, high: high ?? .infinity) }
}
