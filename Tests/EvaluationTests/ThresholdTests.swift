import Autodiff
import Foundation
import Testing

import Evaluation

@Suite struct ThresholdTests {
  @Test(arguments: [0, 1, 2, 3]) func bestThresholdsEqualBruteForce(_ seed: UInt64) throws {
    var random = Random(seed: seed)
    // Coordinates on a grid give many equal distances.
    let rows = (0..<40).map { i in
      (0..<3).map { _ in (random.normal() * 2).rounded() / 2 + Double(i / 8) * (seed == 3 ? 0 : 0.7)
      }
    }
    let labels = (0..<40).map { $0 / 8 }
    let criteria: [ThresholdCriterion] = [
      .f1, .mcc, .cost(falseAccept: 5, falseReject: 1, positiveShare: 0.2),
      .cost(falseAccept: 1, falseReject: 100, positiveShare: 0.5),
    ]
    let found = try #require(try bestThresholds(EmbeddingSet(rows, labels), by: criteria))
    var pairs: [(distance: Double, isMatch: Bool)] = []
    for i in rows.indices {
      for j in 0..<i {
        let square = zip(rows[i], rows[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        pairs.append((square.squareRoot(), labels[i] == labels[j]))
      }
    }
    let total = (positives: pairs.count { $0.isMatch }, negatives: pairs.count { !$0.isMatch })
    for (criterion, best) in zip(criteria, found) {
      var expected = criterion.score((0, 0), total)
      for limit in Set(pairs.map(\.distance)) {
        let accepted = pairs.filter { $0.distance <= limit }
        let counts = (accepted.count { $0.isMatch }, accepted.count { !$0.isMatch })
        expected = max(expected, criterion.score(counts, total))
      }
      #expect(abs(best.score - expected) < 1e-12, "\(criterion)")
      guard let distance = best.distance else { continue }
      let accepted = pairs.filter { $0.distance <= distance * (1 + 1e-12) }
      let counts = (accepted.count { $0.isMatch }, accepted.count { !$0.isMatch })
      #expect(abs(criterion.score(counts, total) - expected) < 1e-12)
    }
  }

  @Test func calibratedStackingEqualsTheReference() throws {
    let scores: [[Double]] = [
      [0.3259718839079142, 1.3337649507448077, -0.10641907900571823, -0.0416580131277442],
      [-0.06286435760557652, 1.815126115642488, -0.2908700220286846, 0.3778721960261464],
      [1.4764924813061953, 0.24927547853440046, 1.0673926651477814, 0.3917684191837907],
      [-0.4211250264197588, 1.2947798958048224, -0.5598553903400898, 0.5642966704443098],
      [1.8380481872707606, -0.3020893083885312, 0.34176092594861984, -0.07037041988223791],
      [1.36291085742414, 1.543571392260492, 0.6053392626345158, 0.7142585041001439],
      [0.6454153079539537, -0.31643078941851854, 0.18929159939289097, -0.31950061675161123],
      [1.1277061235159636, 1.179730280302465, 0.8019047938287258, -0.1714076472446322],
    ]
    let curve = try SeenUnseenCurve(
      scores: scores, labels: [0, 1, 2, 3, 0, 1, 2, 3], seen: [true, true, false, false])
    #expect(curve.area == 0.5625)
    #expect(curve.points.first?.unseen == 0 && curve.points.last?.seen == 0)
    #expect(throws: (any Error).self) {
      try SeenUnseenCurve(
        scores: scores, labels: [0, 1, 2, 3, 0, 1, 2, 3], seen: [true, true, true, true])
    }
  }

  @Test func plattFindsTheLogisticThatMadeThePairs() {
    // Counts in exact proportion to σ(4 − 6 d).
    let counts = (0..<100).map { i -> PairCount in
      let distance = Double(i) / 50
      let p = 1 / (1 + exp(-(4 - 6 * distance)))
      return PairCount(
        distance: distance, positives: Int((p * 1e9).rounded()),
        negatives: Int(((1 - p) * 1e9).rounded()))
    }
    let map = PlattMap(counts)
    #expect(abs(map.slope + 6) < 1e-4 && abs(map.intercept - 4) < 1e-4)
    let separable = [
      PairCount(distance: 0.1, positives: 5, negatives: 0),
      PairCount(distance: 1, positives: 0, negatives: 9),
    ]
    #expect(PlattMap(separable).slope.isFinite)
    #expect(PlattMap([]).probability(atDistance: 3) == 0.5)
    #expect(
      PlattMap([PairCount(distance: 1, positives: 3, negatives: 3)]).probability(atDistance: 1)
        == 0.5)
  }

  @Test func isotonicPoolsWhatRises() {
    let map = IsotonicMap([
      PairCount(distance: 1, positives: 3, negatives: 1),
      PairCount(distance: 2, positives: 1, negatives: 3),
      PairCount(distance: 3, positives: 2, negatives: 2),
      PairCount(distance: 5, positives: 0, negatives: 4),
    ])
    #expect(map.distances == [1, 2, 3, 5])
    #expect(map.probabilities == [0.75, 0.375, 0.375, 0])
    #expect(map.probability(atDistance: 1.5) == 0.5625 && map.probability(atDistance: 9) == 0)
    #expect(IsotonicMap([]).probability(atDistance: 1) == 0.5)
  }

  /// Unchecked wrong answers stay below the rate that was asked for, and some answers are given.
  @Test(arguments: [0.02, 0.1]) func itemThresholdsKeepTheErrorRate(_ rate: Double) {
    var random = Random(seed: 4)
    var (wrong, unchecked, total) = (0, 0, 0)
    for item in 0..<60 {
      var threshold = ItemThreshold()
      let middle = 0.3 + 0.5 * Double(item % 7) / 7
      for _ in 0..<120 {
        let similarity = random.uniform()
        let isRight = random.uniform() < 1 / (1 + exp(-40 * (similarity - middle)))
        total += 1
        if threshold.mustCheck(similarity: similarity, errorRate: rate, random: &random) {
          threshold.observe(similarity: similarity, isRight: isRight)
        } else {
          unchecked += 1
          if !isRight { wrong += 1 }
        }
      }
    }
    #expect(Double(wrong) / Double(total) < rate, "\(wrong) of \(total)")
    #expect(unchecked > total / 10, "\(unchecked) of \(total)")
  }

  @Test func checkingProbabilitiesEqualTheReference() {
    let fit = AnswerFit(steepness: 30, middle: 0.8, deviation: 0.002.squareRoot())
    let expected = [0.98972, 0.98061, 0.92719, 0.82385]
    for (similarity, value) in zip([0.7, 0.85, 0.95, 1], expected) {
      let found = fit.checkingProbability(similarity: similarity, errorRate: 0.01)
      #expect(abs(found - value) < 5.1e-6)
    }
  }

  @Test func driftSeesAnotherCloudAndNotAnotherDraw() throws {
    var random = Random(seed: 8)
    func cloud(_ count: Int, scale: Double) -> Tensor {
      Tensor(normal: [count, 4], deviation: scale, dtype: .float32, random: &random)
    }
    let before = cloud(150, scale: 1)
    let same = try Drift(before: before, now: cloud(120, scale: 1), threshold: 1, draws: 99)
    #expect(same.holds && same.chance > 0.02)
    let other = try Drift(before: before, now: cloud(120, scale: 0.5), threshold: 1, draws: 99)
    #expect(!other.holds && other.chance == 0.01 && other.acceptedNow > other.acceptedBefore)
    #expect(throws: (any Error).self) {
      try Drift(before: before, now: cloud(3, scale: 1), threshold: 1)
    }
  }
}
