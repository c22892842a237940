import Settings

/// Which candidates are negatives hard enough to teach, and not so near to the query that they are
/// likely to be unlabelled positives.
public protocol NegativePolicy: Described {
  /// How many of the nearest candidates are passed over unseen.
  var skipped: Int { get }
  /// Whether ``limit(positive:)`` asks for the similarity of a positive.
  static var needsPositive: Bool { get }
  /// The largest similarity that a negative may have.
  ///
  /// - Parameter positive: the similarity of the query and its positive; `nil` without one.
  func limit(positive: Double?) -> Double
}

extension NegativePolicy {
  public var skipped: Int { 0 }
  public static var needsPositive: Bool { false }
  public func limit(positive: Double?) -> Double { .infinity }
  public static var source: String { nvRetriever }
}

private let nvRetriever =
  "Moreira et al., NV-Retriever: Improving Text Embedding Models with Effective Hard-Negative "
  + "Mining, 2024"

/// Every policy, with its default settings.
public let allNegativePolicies: [Named<any NegativePolicy>] = [
  Named("absolute", AbsolutePolicy()),
  Named("margin-to-positive", MarginToPositivePolicy()),
  Named("naive", NaivePolicy()),
  Named("percent-of-positive", PercentOfPositivePolicy()),
  Named("shifted", ShiftedPolicy()),
]

/// Takes the nearest candidates whatever their similarity.
public struct NaivePolicy: NegativePolicy {
  public init() {}
  public static let summary = "the nearest candidates, whatever their similarity"
}

/// Takes the nearest candidates but for the first few.
public struct ShiftedPolicy: NegativePolicy {
  public var skip = 10

  public init() {}
  public static let summary = "the nearest candidates after the first few"
  public static let settings = [
    Setting("skip", \Self.skip, "how many of the nearest are passed over", in: 0...1_000_000)
  ]
  public var skipped: Int { skip }
}

/// Takes candidates with s(q, c) ≤ T.
public struct AbsolutePolicy: NegativePolicy {
  public var threshold = 0.7

  public init() {}
  public static let summary = "candidates up to a similarity"
  public static let settings = [
    Setting("threshold", \Self.threshold, "the largest similarity of a negative")
  ]
  public func limit(positive: Double?) -> Double { threshold }
}

/// Takes candidates with s(q, c) ≤ s(q, p) − m.
public struct MarginToPositivePolicy: NegativePolicy {
  public var margin = 0.05

  public init() {}
  public static let summary = "candidates less similar than the positive by a margin"
  public static let settings = [
    Setting("margin", \Self.margin, "how much less similar than the positive a negative must be")
  ]
  public static let needsPositive = true
  public func limit(positive: Double?) -> Double { (positive ?? .infinity) - margin }
}

/// Takes candidates with s(q, c) ≤ s(q, p) − (1 − ρ)·|s(q, p)|, which is ρ·s(q, p) where that is
/// positive, and below s(q, p) where it is not.
public struct PercentOfPositivePolicy: NegativePolicy {
  public var share = 0.95

  public init() {}
  public static let summary = "candidates up to a share of the positive's similarity"
  public static let settings = [
    Setting("share", \Self.share, "the share ρ of the positive's similarity", in: 0...1)
  ]
  public static let needsPositive = true
  public func limit(positive: Double?) -> Double {
    guard let positive else { return .infinity }
    return positive - (1 - share) * abs(positive)
  }
}
