import Evaluation
import Settings

/// One embedding of the test items with what is drawn of it: the raw input, or the trained one.
struct ReportedEmbedding {
  let name: String
  let set: EmbeddingSet
  let inspection: Inspection
  /// Whether distances may be shown as cosine similarities.
  let isUnit: Bool
  /// What each threshold accepts, by ascending distance; empty without pairs of both kinds.
  let rates: [RatePoint]
  let positives, negatives: Int

  init(_ name: String, _ set: EmbeddingSet) throws(Failure) {
    (self.name, self.set) = (name, set)
    inspection = try Inspection(set)
    isUnit = set.hasUnitRows
    let steps = inspection.steps
    let all = (
      positives: steps.reduce(0) { $0 + $1.positives },
      negatives: steps.reduce(0) { $0 + $1.negatives }
    )
    (positives, negatives) = all
    var accepted = (positives: 0, negatives: 0)
    rates =
      all.positives > 0 && all.negatives > 0
      ? steps.map { step in
        accepted.positives += step.positives
        accepted.negatives += step.negatives
        return RatePoint(
          distance: step.distance, accepts: Double(accepted.positives) / Double(all.positives),
          falseAccepts: Double(accepted.negatives) / Double(all.negatives))
      } : []
  }

  /// What pairs are compared by, and its value for a distance.
  var closeness: String { isUnit ? "cosine similarity" : "distance" }
  func closeness(of distance: Double) -> Double {
    isUnit ? max(-1, 1 - distance * distance / 2) : distance
  }

  /// The share of other pairs that a threshold accepts.
  func falseAccepts(within distance: Double) -> Double {
    var (low, high) = (0, rates.count)
    while low < high {
      let middle = (low + high) / 2
      if rates[middle].distance <= distance { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? rates[low - 1].falseAccepts : 0
  }

  /// Points that can be told apart in a picture.
  var thinnedRates: [RatePoint] {
    var kept: [RatePoint] = []
    for point in rates {
      if let last = kept.last, point.falseAccepts < last.falseAccepts * 1.01,
        abs(point.accepts - last.accepts) < 0.003
      {
        continue
      }
      kept.append(point)
    }
    if let last = rates.last { kept.append(last) }
    return kept
  }
}

/// What a threshold at a distance accepts.
struct RatePoint {
  let distance, accepts, falseAccepts: Double
}
