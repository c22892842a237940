import Settings

/// The mean of each anchor's terms, 0 without any, and these reduced once more over all anchors.
///
/// So an anchor of a large class weighs as much as one of a small class. A loss with a term for
/// each row is reduced by the inner reducer alone. Works with a reference set of any size and with
/// triplets, where pytorch-metric-learning fails. O(terms).
///
/// Defaults: the mean over all anchors.
/// - Reference: pytorch-metric-learning (2020), `PerAnchorReducer`.
public struct PerAnchorReducer: Reducer {
  /// How the anchors' means become one number.
  public enum Inner: String, Sendable, CaseIterable {
    case mean, sum
    case avgNonZero = "avg-non-zero"
  }

  public var reducer = Inner.mean
  public init() {}

  public static let summary = "the mean of each anchor's terms, reduced over all anchors"
  public static let settings = [
    Setting("reducer", \Self.reducer, "how the means of the anchors become one number")
  ]

  public func factors(of rows: [TermSum], classes: [Int]) -> [Double]? {
    rows.map { $0.count > 0 && counts($0) ? 1 / Double($0.count) : 0 }
  }

  public func divisor(of rows: [TermSum]) -> Double {
    switch reducer {
    case .sum: 1
    case .mean: Double(max(1, rows.count))
    case .avgNonZero: Double(max(1, rows.count { $0.total > 0 }))
    }
  }

  private func counts(_ row: TermSum) -> Bool { reducer != .avgNonZero || row.total > 0 }
}
