import Autodiff

/// How well one threshold on the distance tells matching pairs from others.
///
/// The pairs are all unordered pairs of different rows, or with a gallery all pairs of a query and
/// a gallery row. Everything is exact: positives are sorted, and of the negatives those that decide
/// a rate are found by counting, then looked at one by one.
package struct PairCurve {
  /// The probability that a positive is nearer than a negative, ties counting half.
  package let areaUnderCurve: Double
  /// Where the false accept and false reject rates meet; see ``crossing(_:_:)``.
  package let equalErrorRate: Double
  /// Distances that 1 % and 10 % of the negatives do not exceed (linear between neighbours).
  package let falseAcceptQuantiles: ClosedRange<Double>
  /// For each of ``rates`` the share of positives accepted by the largest threshold that accepts
  /// no more than that share of the negatives; nil with fewer than 10 / rate negatives.
  package let trueAcceptRates: [Double?]
  /// The thresholds with the highest F1 and Matthews correlation.
  package let bestF1, bestMCC: BestThreshold

  /// False accept rates that are looked at: 10⁻¹ to 10⁻⁶.
  package static let rates = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]

  /// - Returns: nil if there are no positives or no negatives.
  package init?<S: Scalar>(_ distances: DistanceRows<S>, _ pass: RankPass<S>) {
    let positives = Ladder(pass.positives)
    let total = (positives: pass.positives.count, negatives: pass.negativeBins.reduce(0, +))
    guard total.positives > 0, total.negatives > 0 else { return nil }

    // Bins whose negatives must be known one by one.
    var negativesBefore = [0]
    for count in pass.negativeBins {
      negativesBefore.append(negativesBefore[negativesBefore.count - 1] + count)
    }
    func bin(ofNegative position: Int) -> Int {
      var (below, above) = (0, DistanceBin.count)
      while above - below > 1 {
        let middle = (below + above) / 2
        if negativesBefore[middle] <= position { below = middle } else { above = middle }
      }
      return below
    }
    let places = [0.01, 0.1].map { Double(total.negatives - 1) * $0 }
    let positions = places.flatMap { [Int($0), min(Int($0) + 1, total.negatives - 1)] }
    let positiveBins = DistanceBin.counts(pass.positives)
    let crossingBin = PairCurve.crossingBin(positiveBins, pass.negativeBins, total)
    // The first negative that must be refused for each rate.
    let limits = PairCurve.rates.map { rate -> Int? in
      let share = rate * Double(total.negatives) * (1 + 1e-12)
      return share >= 10 ? Int(share) : nil
    }
    let searches = [ThresholdCriterion.f1, .mcc].map {
      ThresholdSearch($0, positives: positiveBins, negatives: pass.negativeBins, total)
    }
    let found = pass.negatives(
      of: Set(
        limits.compactMap { $0.map(bin(ofNegative:)) } + [crossingBin.index]
          + searches.flatMap(\.bins)),
      exact: Set(positions.map(bin(ofNegative:))), distances)
    areaUnderCurve =
      Double(found.twicePositivesBelow) / 2 / Double(total.positives) / Double(total.negatives)

    func negativeSquare(_ position: Int) -> Double {
      let bin = bin(ofNegative: position)
      return found.tallies[bin]?.value(at: position - negativesBefore[bin]) ?? 0
    }
    func negativeDistance(_ position: Int) -> Double { negativeSquare(position).squareRoot() }
    trueAcceptRates = limits.map { limit in
      limit.map {
        Double(positives.countBelow(S(negativeSquare($0)))) / Double(total.positives)
      }
    }
    let scale = distances.query.scale
    let best = searches.map { $0.best(pass.positives, found.tallies, scale: scale) }
    (bestF1, bestMCC) = (best[0], best[1])
    let quantiles = (0..<2).map { i in
      let (low, high) = (negativeDistance(positions[2 * i]), negativeDistance(positions[2 * i + 1]))
      return low + (high - low) * (places[i] - places[i].rounded(.down))
    }
    falseAcceptQuantiles = quantiles[0]...max(quantiles[0], quantiles[1])

    let inBin =
      crossingBin.positivesBefore..<crossingBin.positivesBefore
      + positiveBins[crossingBin.index]
    var steps: [Double: (positives: Int, negatives: Int)] = [:]
    for value in pass.positives[inBin] { steps[Double(value), default: (0, 0)].positives += 1 }
    for run in found.tallies[crossingBin.index]?.runs ?? [] {
      steps[run.value, default: (0, 0)].negatives += run.count
    }
    equalErrorRate = PairCurve.crossing(
      steps.sorted { $0.key < $1.key }.map(\.value),
      from: (crossingBin.positivesBefore, negativesBefore[crossingBin.index]), total)
  }

  /// The first bin at whose end no more positives are refused than negatives accepted, as rates.
  private static func crossingBin(
    _ positives: [Int], _ negatives: [Int], _ total: (positives: Int, negatives: Int)
  ) -> (index: Int, positivesBefore: Int) {
    var accepted = (positives: 0, negatives: 0)
    for index in positives.indices {
      let before = accepted.positives
      accepted.positives += positives[index]
      accepted.negatives += negatives[index]
      if balance(accepted, total) >= 0 { return (index, before) }
    }
    return (positives.count - 1, total.positives)
  }

  /// False accept rate less false reject rate.
  private static func balance(
    _ accepted: (positives: Int, negatives: Int), _ total: (positives: Int, negatives: Int)
  ) -> Double {
    Double(accepted.negatives) / Double(total.negatives)
      - (1 - Double(accepted.positives) / Double(total.positives))
  }

  /// The false accept rate where it equals the false reject rate.
  ///
  /// Operating points are the rates at each different distance, "accept" meaning a distance not
  /// above it; between neighbouring points the rates go on straight lines.
  private static func crossing(
    _ steps: [(positives: Int, negatives: Int)], from start: (positives: Int, negatives: Int),
    _ total: (positives: Int, negatives: Int)
  ) -> Double {
    var last = start
    for step in steps {
      let next = (
        positives: last.positives + step.positives, negatives: last.negatives + step.negatives
      )
      let (a, b) = (balance(last, total), balance(next, total))
      if b >= 0 {
        let share = b > a ? min(1, max(0, -a / (b - a))) : 1
        return (Double(last.negatives) + share * Double(step.negatives)) / Double(total.negatives)
      }
      last = next
    }
    return Double(last.negatives) / Double(total.negatives)
  }
}
