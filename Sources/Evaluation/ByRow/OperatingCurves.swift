import Autodiff

/// How each class fares at the same thresholds.
///
/// For class i and threshold t, with "accept" meaning a distance not above t: sensitivity is the
/// share of its matching pairs that are accepted, specificity the share of pairs with exactly one
/// end in the class (with a gallery: with the query in it) that are refused, and the utility
/// U = 2 · sensitivity · specificity / (sensitivity + specificity), 0 if both are 0.
/// The thresholds go from a false accept rate of 1 % to one of 10 % over all pairs. Classes without
/// a matching pair have no curve, but their rows count as negatives of others.
/// Source: Zhang et al., Threshold-Consistent Margin Loss for Open-World Deep Metric Learning, 2024.
package struct OperatingCurves {
  package static let thresholdCount = 101
  /// Shape [classes with a matching pair][thresholds].
  package let utilities: [[Double]]
  /// Of each class the matching pairs that the first threshold accepts, and all of them.
  package let firstAccepts: [(accepted: Int, pairs: Int)]
  /// The numbers of the classes with a matching pair.
  package let classes: [Int]
  /// Distances, in the scale of the rows.
  package let thresholds: [Double]

  /// - Returns: nil if fewer than two classes have a matching pair.
  package init?<S: Scalar>(
    _ distances: DistanceRows<S>, over range: ClosedRange<Double>, zones: ZoneCounts<S>? = nil,
    inTiles: Bool = true
  ) {
    let (query, gallery) = (distances.query, distances.gallery)
    let count = OperatingCurves.thresholdCount
    let matches = query.members.map { rows in
      rows.reduce(0) { $0 + distances.matchCount(of: $1) }
    }
    let classes = matches.indices.filter { matches[$0] > 0 }
    guard classes.count > 1 else { return nil }
    let step = (range.upperBound - range.lowerBound) / Double(count - 1)
    let thresholds = Ladder(
      (0..<count).map {
        $0 == count - 1 ? range.upperBound : range.lowerBound + Double($0) * step
      })

    let accepted = LimitCounts(distances, thresholds, zones: zones, inTiles: inTiles)
    (self.classes, self.thresholds) = (classes, thresholds.values)
    firstAccepts = classes.map { (accepted.positives(of: $0, at: 0), matches[$0]) }
    utilities = classes.map { number in
      let rows = query.members[number].count
      let others = gallery.members[number].count
      let positives = matches[number]
      let negatives = rows * (gallery.count - others)
      var sums = (positives: 0, negatives: 0)
      return (0..<count).map { i in
        sums.positives += accepted.positives(of: number, at: i)
        sums.negatives += accepted.negatives(of: number, at: i)
        let sensitivity = Double(sums.positives) / Double(max(1, positives))
        let specificity = 1 - Double(sums.negatives) / Double(max(1, negatives))
        let sum = sensitivity + specificity
        return sum > 0 ? 2 * sensitivity * specificity / sum : 0
      }
    }
  }

  /// OPIS: the mean over classes and thresholds of (U_i(t) − mean_i U_i(t))².
  package var inconsistency: Double {
    let classes = Double(utilities.count)
    var total = 0.0
    for t in 0..<OperatingCurves.thresholdCount {
      let column = utilities.map { $0[t] }
      let mean = column.reduce(0.0, +) / classes
      total += column.reduce(0.0) { sum, utility in sum + (utility - mean) * (utility - mean) }
    }
    return total / (classes * Double(OperatingCurves.thresholdCount))
  }

  /// The mean over thresholds of the mean utility less that of the class whose mean is least.
  package var worstGap: Double {
    let count = Double(OperatingCurves.thresholdCount)
    let means = utilities.map { $0.reduce(0.0, +) / count }
    return means.reduce(0.0, +) / Double(means.count) - (means.min() ?? 0)
  }

  /// The mean over thresholds of the distance between the mean utility of the best and of the worst
  /// `share` of the classes (rounded, at least one), ranked by their mean utility.
  package func gap(share: Double) -> Double {
    let sums: [Double] = utilities.map { $0.reduce(0.0, +) }
    let ranked = sums.indices.sorted { sums[$0] != sums[$1] ? sums[$0] < sums[$1] : $0 < $1 }
    let rounded = Int((share * Double(ranked.count)).rounded(.toNearestOrEven))
    let size = min(ranked.count, max(1, rounded))
    var total = 0.0
    for t in 0..<OperatingCurves.thresholdCount {
      let worst = ranked.prefix(size).reduce(0.0) { $0 + utilities[$1][t] }
      let best = ranked.suffix(size).reduce(0.0) { $0 + utilities[$1][t] }
      total += abs(best - worst) / Double(size)
    }
    return total / Double(OperatingCurves.thresholdCount)
  }
}
