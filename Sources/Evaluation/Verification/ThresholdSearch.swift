import Autodiff
import Settings

/// What a threshold is chosen by. Each rises with accepted positives and falls with accepted negatives.
public enum ThresholdCriterion: Sendable, Equatable {
  /// 2 TP / (2 TP + FP + FN).
  case f1
  /// Matthews' correlation coefficient, 0 where a margin of the table is empty.
  case mcc
  /// −(cost of a false accept × FAR × (1 − π) + cost of a false reject × FRR × π), π being the share
  /// of matching pairs that is expected in use.
  case cost(falseAccept: Double, falseReject: Double, positiveShare: Double)

  package func score(
    _ accepted: (positives: Int, negatives: Int), _ total: (positives: Int, negatives: Int)
  ) -> Double {
    let (tp, fp) = (Double(accepted.positives), Double(accepted.negatives))
    let (p, n) = (Double(total.positives), Double(total.negatives))
    switch self {
    case .f1: return 2 * tp / (tp + fp + p)
    case .mcc:
      let margins = (tp + fp) * (p + n - tp - fp)
      return margins > 0 ? (tp * n - fp * p) / (margins.squareRoot() * (p * n).squareRoot()) : 0
    case .cost(let falseAccept, let falseReject, let share):
      return -(falseAccept * fp / n * (1 - share) + falseReject * (1 - tp / p) * share)
    }
  }
}

/// The best threshold by a criterion, over all pairs.
public struct BestThreshold: Sendable, Equatable {
  /// The largest distance that is accepted, which is that of a matching pair; nil if it is best to
  /// accept nothing.
  public let distance: Double?
  /// The criterion's value.
  public let score: Double
  public let falseAcceptRate, falseRejectRate: Double
}

/// Finds the best threshold by a criterion exactly, without sorting the pairs that do not match.
///
/// Within a bin of distances the criterion is at most what accepting the bin's positives without its
/// negatives would give; only bins that can hold the best are looked at pair by pair. The least of
/// equally good thresholds is taken.
struct ThresholdSearch {
  let criterion: ThresholdCriterion
  /// Bins that must be known pair by pair.
  let bins: [Int]
  private let positives, negatives: [Int]
  private let total: (positives: Int, negatives: Int)

  init(
    _ criterion: ThresholdCriterion, positives: [Int], negatives: [Int],
    _ total: (positives: Int, negatives: Int)
  ) {
    (self.criterion, self.positives, self.negatives) = (criterion, positives, negatives)
    self.total = total
    var accepted = (positives: 0, negatives: 0)
    var best = criterion.score(accepted, total)
    var bounds: [(bin: Int, score: Double)] = []
    for bin in positives.indices {
      let before = accepted.negatives
      accepted.positives += positives[bin]
      accepted.negatives += negatives[bin]
      guard positives[bin] > 0 else { continue }
      bounds.append((bin, criterion.score((accepted.positives, before), total)))
      best = max(best, criterion.score(accepted, total))
    }
    bins = bounds.filter { $0.score >= best }.map(\.bin)
  }

  /// - Parameters:
  ///   - values: the squared distances of all matching pairs, ascending.
  ///   - tallies: the negatives of the bins.
  func best<S: Scalar>(_ values: [S], _ tallies: [Int: Tally], scale: Double) -> BestThreshold {
    var found = (score: criterion.score((0, 0), total), square: Double.nan, accepted: (0, 0))
    var accepted = (positives: 0, negatives: 0)
    let wanted = Set(bins)
    for bin in positives.indices where positives[bin] + negatives[bin] > 0 {
      let end = (accepted.positives + positives[bin], accepted.negatives + negatives[bin])
      if wanted.contains(bin) {
        let runs = tallies[bin]?.runs ?? []
        var (place, run) = (accepted.positives, 0)
        while place < end.0 {
          let value = Double(values[place])
          while place < end.0, Double(values[place]) == value { place += 1 }
          while run < runs.count, runs[run].value <= value {
            accepted.negatives += runs[run].count
            run += 1
          }
          let score = criterion.score((place, accepted.negatives), total)
          if score > found.score { found = (score, value, (place, accepted.negatives)) }
        }
      }
      accepted = end
    }
    return BestThreshold(
      distance: found.square.isNaN ? nil : found.square.squareRoot() * scale, score: found.score,
      falseAcceptRate: Double(found.accepted.1) / Double(total.negatives),
      falseRejectRate: 1 - Double(found.accepted.0) / Double(total.positives))
  }
}

/// The best threshold by each criterion over all unordered pairs of different rows.
///
/// - Returns: nil if there are no matching pairs, or no others.
/// - Complexity: O(n² d) time, two passes over the distances; memory for the matching pairs and the
///   others of the few bins (0.2 % of relative width) that can hold a best threshold.
public func bestThresholds(
  _ set: EmbeddingSet, by criteria: [ThresholdCriterion],
  distance: EvaluationOptions.Distance = .euclidean
) throws(Failure) -> [BestThreshold]? {
  try set.check()
  func found<S: Scalar>(of type: S.Type) -> [BestThreshold]? {
    let rows = LabeledRows<S>.prepare([set], distance: distance)[0]
    let distances = DistanceRows(query: rows, gallery: rows, isSelf: true)
    let pass = RankPass(distances, measures: [], countsPairs: true)
    let total = (positives: pass.positives.count, negatives: pass.negativeBins.reduce(0, +))
    guard total.positives > 0, total.negatives > 0 else { return nil }
    let counts = DistanceBin.counts(pass.positives)
    let searches = criteria.map {
      ThresholdSearch($0, positives: counts, negatives: pass.negativeBins, total)
    }
    let negatives = pass.negatives(of: Set(searches.flatMap(\.bins)), exact: [], distances)
    return searches.map { $0.best(pass.positives, negatives.tallies, scale: rows.scale) }
  }
  return set.embeddings.dtype == .float64 ? found(of: Double.self) : found(of: Float.self)
}
