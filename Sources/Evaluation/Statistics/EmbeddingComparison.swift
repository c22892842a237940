import Autodiff
import Settings

/// How one embedding of some items fares beside another of the same items, number by number.
///
/// Every interval is that of the change when other classes are drawn with replacement, both embeddings
/// judged on the same ones (paired bootstrap, expanded percentiles). For OPIS and the false reject rate
/// the thresholds stay those of all classes. With one class only, items are drawn instead.
public struct EmbeddingComparison: Sendable {
  /// Tells definitions apart.
  public static let definition = "paired-bootstrap/over-classes/expanded-percentiles-95"

  /// Which of the two is the better one, as far as the classes can tell.
  public enum Verdict: String, Sendable {
    case better, worse
    /// The interval of the change holds 0.
    case unclear
  }

  /// One number of both embeddings.
  public struct Line: Sendable {
    public let name: String
    public let base, other: Double
    public let isLowerBetter: Bool
    /// 95 % of the changes `other` − `base`.
    public let interval: ClosedRange<Double>

    public var change: Double { other - base }

    public var verdict: Verdict {
      if interval.contains(0) { return .unclear }
      return (interval.lowerBound > 0) != isLowerBetter ? .better : .worse
    }
  }

  /// The name of the share of matching pairs that are refused where 1 % of the others are accepted.
  public static let falseRejects = "false rejects at 1 % false accepts"

  /// recall@1, R-precision, MAP@R, OPIS and ``falseRejects``, as far as the items have them.
  public let lines: [Line]

  /// Compares by what is known of each row and each class.
  ///
  /// - Parameters:
  ///   - base: the embedding to compare with, and its inspection.
  ///   - other: another one of the same items.
  /// - Complexity: O(n² d) for the rows, O(draws × (items + 100 × classes)) for the intervals.
  public init(
    base: (set: EmbeddingSet, inspection: Inspection),
    other: (set: EmbeddingSet, inspection: Inspection), seed: Int = 0
  ) throws(Failure) {
    let names = ["recall@1", "r-precision", "map@r"]
    let (before, after) = (
      try queryValues(base.set, metrics: names), try queryValues(other.set, metrics: names)
    )
    var lines: [Line] = []
    for (place, name) in names.enumerated() {
      let labels = base.set.labels
      let changes = zip(before[place], after[place]).map { before, after in
        before.flatMap { before in after.map { $0 - before } }
      }
      guard let change = MeanInterval(changes, labels: labels, seed: seed),
        let mean = MeanInterval(before[place], labels: labels, seed: seed, draws: 1)?.mean
      else { continue }
      lines.append(
        Line(
          name: name, base: mean, other: mean + change.mean, isLowerBetter: false,
          interval: Set(labels).count > 1 ? change.overClasses : change.overQueries))
    }
    if let before = base.inspection.classCurves, let after = other.inspection.classCurves,
      before.labels == after.labels
    {
      lines += EmbeddingComparison.classLines(before, after, seed: seed)
    }
    self.lines = lines
  }

  /// The numbers that are made of what is known of whole classes.
  private static func classLines(_ before: ClassCurves, _ after: ClassCurves, seed: Int) -> [Line] {
    let count = before.labels.count
    let measures: [(name: String, value: @Sendable (ClassCurves, [Int]) -> Double)] = [
      ("opis", { $0.inconsistency(weights: $1) }), (falseRejects, { $0.falseRejects(weights: $1) }),
    ]
    // Many classes need fewer draws, which would take long.
    let draws = min(1000, max(100, 2_000_000 / count))
    let bootstrap = ClassBootstrap(
      sizes: Array(repeating: 1, count: count), draws: draws,
      random: Random(seed: UInt64(bitPattern: Int64(seed))).split("comparison"))
    let whole = Array(repeating: 1, count: count)
    return measures.compactMap { name, value in
      let changes = bootstrap.values { value(after, $0) - value(before, $0) }
      guard let interval = ClassBootstrap.interval(changes, units: count) else { return nil }
      return Line(
        name: name, base: value(before, whole), other: value(after, whole), isLowerBetter: true,
        interval: interval)
    }
  }
}

extension ClassCurves {
  /// OPIS where each class counts as often as its weight.
  fileprivate func inconsistency(weights: [Int]) -> Double {
    let total = Double(weights.reduce(0, +))
    var means = [Double](repeating: 0, count: thresholds.count)
    var squares = means
    for (row, weight) in zip(utilities, weights) where weight > 0 {
      for t in means.indices { means[t] += Double(weight) * row[t] }
    }
    for t in means.indices { means[t] /= total }
    for (row, weight) in zip(utilities, weights) where weight > 0 {
      for t in means.indices {
        squares[t] += Double(weight) * (row[t] - means[t]) * (row[t] - means[t])
      }
    }
    return squares.reduce(0, +) / (total * Double(max(1, thresholds.count)))
  }

  /// The share of matching pairs that the first threshold refuses.
  fileprivate func falseRejects(weights: [Int]) -> Double {
    var (accepted, pairs) = (0, 0)
    for (own, weight) in zip(firstAccepts, weights) {
      accepted += weight * own.accepted
      pairs += weight * own.pairs
    }
    return 1 - Double(accepted) / Double(max(1, pairs))
  }
}
