import Autodiff

/// What other draws would have given for a mean over queries.
public struct MeanInterval: Sendable, Equatable {
  /// Tells definitions apart.
  public static let definition = "expanded-percentile-bootstrap/95/over-queries-and-over-classes"

  public let mean: Double
  /// The 95 % interval of draws of as many queries as there are: other queries of these classes.
  public let overQueries: ClosedRange<Double>
  /// The 95 % interval of draws of as many classes as there are, each with all its queries: other
  /// classes; this is the one to quote for new classes.
  public let overClasses: ClosedRange<Double>

  /// - Parameters:
  ///   - values: one for each query; nil for queries that the metric leaves out.
  ///   - labels: the class of each query.
  /// - Returns: nil if no query has a value; the same bits for any number of threads.
  /// - Complexity: O(draws × queries).
  public init?(_ values: [Double?], labels: [Int], seed: Int = 0, draws: Int = 1000) {
    precondition(values.count == labels.count, "MeanInterval: a label for each value")
    let known = zip(values, labels).compactMap { value, label in value.map { ($0, label) } }
    guard !known.isEmpty, draws > 0 else { return nil }
    let groups = Dictionary(grouping: known, by: \.1).sorted { $0.key < $1.key }.map { _, members in
      (sum: members.reduce(0.0) { $0 + $1.0 }, count: Double(members.count))
    }
    let random = Random(seed: UInt64(bitPattern: Int64(seed))).split("mean interval")
    mean = known.reduce(0.0) { $0 + $1.0 } / Double(known.count)
    overQueries = MeanInterval.interval(
      known.map { ($0.0, 1) }, draws: draws, random: random.split("queries"))
    overClasses = MeanInterval.interval(groups, draws: draws, random: random.split("classes"))
  }

  /// Of the sum of what is drawn over the count of what is drawn.
  private static func interval(
    _ units: [(sum: Double, count: Double)], draws: Int, random: Random
  ) -> ClosedRange<Double> {
    var means = [Double](repeating: 0, count: draws)
    means.withUnsafeMutableBufferPointer { means in
      let means = means
      Parallel.forEach(draws) { draw in
        var random = random.split(UInt64(draw))
        var total = (sum: 0.0, count: 0.0)
        for _ in units {
          let unit = units[random.below(units.count)]
          total = (total.sum + unit.sum, total.count + unit.count)
        }
        means[draw] = total.sum / total.count
      }
    }
    return ClassBootstrap.interval(means, units: units.count) ?? 0...0
  }
}
