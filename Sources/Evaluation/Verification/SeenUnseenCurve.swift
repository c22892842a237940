import Settings

/// How well classes seen in training and unseen ones are told apart together, for every strength of a
/// handicap of the seen ones (calibrated stacking).
///
/// An item is given the class with the highest score, where γ is taken from the scores of the seen
/// classes; equal scores go to the unseen class. The curve runs over all γ; only the differences
/// between an item's best seen and best unseen score matter, so it is exact.
/// Source: Chao et al., An Empirical Study and Analysis of Generalized Zero-Shot Learning, 2016.
public struct SeenUnseenCurve: Sendable {
  public struct Point: Sendable, Equatable {
    /// What is taken from the scores of seen classes.
    public let handicap: Double
    /// Accuracy averaged over the classes, on items of unseen and of seen classes.
    public let unseen, seen: Double

    /// 2 · seen · unseen / (seen + unseen), 0 if both are 0.
    public var harmonicMean: Double {
      seen + unseen > 0 ? 2 * seen * unseen / (seen + unseen) : 0
    }
  }

  /// From a handicap of −∞ (everything is taken for seen) to +∞ (everything for unseen).
  public let points: [Point]

  /// - Parameters:
  ///   - scores: [items][classes], finite.
  ///   - labels: the class of each item.
  ///   - seen: whether each class was seen in training; there are both kinds.
  /// - Throws: if there is nothing to compare. Classes without items are left out of the means.
  /// - Complexity: O(items × classes + items log items).
  public init(scores: [[Double]], labels: [Int], seen: [Bool]) throws(Failure) {
    guard !scores.isEmpty, scores.count == labels.count,
      scores.allSatisfy({ $0.count == seen.count && $0.allSatisfy(\.isFinite) }),
      labels.allSatisfy({ seen.indices.contains($0) }), seen.contains(true), seen.contains(false)
    else {
      throw Failure(
        .badData, at: "scores", "they do not fit \(labels.count) labels and \(seen.count) classes",
        expected: "a finite score of each item for each class, of which some are seen and some not")
    }
    var sizes = [Int](repeating: 0, count: seen.count)
    for label in labels { sizes[label] += 1 }
    func best(_ row: [Double], _ kind: Bool) -> Int {
      row.indices.filter { seen[$0] == kind }.max {
        row[$0] != row[$1] ? row[$0] < row[$1] : $0 > $1
      } ?? 0
    }
    let kinds = (
      seen: seen.indices.count { seen[$0] && sizes[$0] > 0 },
      unseen: seen.indices.count { !seen[$0] && sizes[$0] > 0 }
    )
    var events: [(gap: Double, item: Int, seen: Bool, unseen: Bool)] = []
    // At first everything is taken for a seen class.
    var (seenRight, unseenRight) = (0.0, 0.0)
    for (item, row) in scores.enumerated() {
      let (a, b) = (best(row, true), best(row, false))
      let weight = 1 / Double(sizes[labels[item]])
      if a == labels[item] { seenRight += weight }
      events.append((row[a] - row[b], item, a == labels[item], b == labels[item]))
    }
    events.sort { $0.gap != $1.gap ? $0.gap < $1.gap : $0.item < $1.item }
    var points: [Point] = []
    func add(_ handicap: Double) {
      points.append(
        Point(
          handicap: handicap, unseen: min(1, unseenRight / Double(max(1, kinds.unseen))),
          seen: min(1, max(0, seenRight / Double(max(1, kinds.seen))))))
    }
    add(-.infinity)
    var place = 0
    while place < events.count {
      let gap = events[place].gap
      while place < events.count, events[place].gap == gap {
        let weight = 1 / Double(sizes[labels[events[place].item]])
        if events[place].seen { seenRight -= weight }
        if events[place].unseen { unseenRight += weight }
        place += 1
      }
      add(place < events.count ? gap + (events[place].gap - gap) / 2 : .infinity)
    }
    self.points = points
  }

  /// AUSUC: the area under the accuracy on seen over the accuracy on unseen classes.
  public var area: Double {
    zip(points, points.dropFirst()).reduce(0) {
      $0 + ($1.1.unseen - $1.0.unseen) * ($1.1.seen + $1.0.seen) / 2
    }
  }

  /// The finite handicap with the highest harmonic mean; the least of equally good ones.
  public var best: Point? {
    points.filter { $0.handicap.isFinite }.reduce(nil) { best, point in
      best.map { point.harmonicMean > $0.harmonicMean ? point : $0 } ?? point
    }
  }
}
