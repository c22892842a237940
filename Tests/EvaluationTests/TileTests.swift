import Autodiff
import Settings
import Testing

import Evaluation

/// Passes over tiles of half products against those that look at each row's line as a whole.
@Suite struct TileTests {
  /// Rows around whole tiles of 288; few columns of few different numbers make many ties.
  @Test(arguments: [1, 2, 5, 287, 288, 289, 700], [false, true])
  func equalPassesByRow(count: Int, hasGroups: Bool) throws {
    for levels in [3, 1000] {
      var random = Random(seed: UInt64(count + levels))
      let rows = (0..<count).map { _ in
        (0..<5).map { _ in Double(random.below(levels)) / Double(levels) }
      }
      let labels = (0..<count).map { _ in random.below(max(1, count / 7)) }
      let groups = hasGroups ? (0..<count).map { _ in random.below(3) } : nil
      let set = EmbeddingSet(rows, labels, groups: groups, dtype: .float32)
      try check(self.distances(set), curves: true)
    }
  }

  /// Enough pairs for thresholds that are known before the pass as well as is needed.
  @Test func zonesHoldTheThresholds() throws {
    var random = Random(seed: 8)
    let labels = (0..<6000).map { $0 % 1500 }
    let centres = (0..<1500).map { _ in (0..<8).map { _ in random.normal() } }
    let rows = labels.map { label in centres[label].map { $0 + 0.4 * random.normal() } }
    let distances = self.distances(EmbeddingSet(rows, labels, dtype: .float32))
    let pass = RankPass(distances, measures: [], countsPairs: true, curves: true)
    let pairs = try #require(PairCurve(distances, pass))
    let zones = try #require(pass.zones)
    let curves = try #require(OperatingCurves(distances, over: pairs.falseAcceptQuantiles))
    let squares = curves.thresholds.map { LimitCounts.largestSquare(within: $0, Float.self) }
    #expect(zones.counts(within: squares) != nil)
    #expect(zones.counts(within: squares.map { $0 * 1.1 }) == nil)
    try check(distances, curves: true)
    // The same curves without the bins that they do not need.
    let short = RankPass(
      distances, measures: [], countsPairs: true, curves: true, countsAllBins: false)
    let bins = zip(short.negativeBins, pass.negativeBins)
    #expect(short.negativeBins != pass.negativeBins)
    #expect(short.negativeBins.reduce(0, +) == pass.negativeBins.reduce(0, +))
    #expect(bins.prefix { $0 == $1 }.reduce(0) { $0 + $1.0 } > 1_000_000)
    let same = try #require(PairCurve(distances, short))
    #expect(same.areaUnderCurve == pairs.areaUnderCurve)
    #expect(same.equalErrorRate == pairs.equalErrorRate)
    #expect(same.falseAcceptQuantiles == pairs.falseAcceptQuantiles)
    #expect(same.trueAcceptRates == pairs.trueAcceptRates)
    #expect(same.bestF1 == pairs.bestF1 && same.bestMCC == pairs.bestMCC)
    #expect(short.negativeDistances == pass.negativeDistances)
    #expect(short.zones?.counts(within: squares) == zones.counts(within: squares))
  }

  /// Too few near pairs for a tenth of all, as after a sample that errs, must be seen.
  @Test func farPairsAreSeenToBeTooMany() {
    let pairs = PairCells<Float>(positives: [], exactBins: [], near: 0.5, negativeCount: 100)
    let none = pairs.negatives()
    #expect(none.bins.reduce(0, +) == 100 && !none.holdsTenth)
  }

  @Test func threadsDoNotChangeBits() throws {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    var random = Random(seed: 4)
    let rows = (0..<900).map { _ in (0..<4).map { _ in random.normal() } }
    let set = EmbeddingSet(rows, (0..<900).map { $0 % 200 }, dtype: .float32)
    var options = EvaluationOptions()
    options.clusteringLimit = 0
    let results = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      return try evaluate(query: set, options: options)
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  private func distances(_ set: EmbeddingSet) -> DistanceRows<Float> {
    let rows = LabeledRows<Float>.prepare([set], distance: .euclidean)[0]
    return DistanceRows(query: rows, gallery: rows, isSelf: true)
  }

  private func check(_ distances: DistanceRows<Float>, curves: Bool) throws {
    let measures: [@Sendable (Ranks) -> Double] = [
      { Double($0.values.reduce(0, +)) }, { Double($0.last) },
      { $0.averagePrecision(within: .max) },
    ]
    let count = min(10, distances.query.count - 1)
    func pass(inTiles: Bool) -> RankPass<Float> {
      RankPass(
        distances, measures: measures, countsPairs: true, nearestCount: count, curves: curves,
        inTiles: inTiles)
    }
    let (found, expected) = (pass(inTiles: true), pass(inTiles: false))
    #expect(found.cells != nil && expected.cells == nil)
    for (found, expected) in zip(found.values, expected.values) {
      // NaN marks a query without a match.
      #expect(zip(found, expected).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    }
    #expect(found.nearest == expected.nearest)
    #expect(found.positives == expected.positives)
    #expect(found.negativeBins == expected.negativeBins)
    let sum = expected.negativeDistances
    #expect(abs(found.negativeDistances - sum) <= 1e-12 * max(1, sum))
    guard let pairs = PairCurve(distances, expected) else {
      #expect(PairCurve(distances, found) == nil)
      return
    }
    let same = try #require(PairCurve(distances, found))
    #expect(same.areaUnderCurve == pairs.areaUnderCurve)
    #expect(abs(same.equalErrorRate - pairs.equalErrorRate) < 1e-14)
    #expect(same.falseAcceptQuantiles == pairs.falseAcceptQuantiles)
    #expect(same.trueAcceptRates == pairs.trueAcceptRates)
    #expect(same.bestF1 == pairs.bestF1 && same.bestMCC == pairs.bestMCC)
    let range = pairs.falseAcceptQuantiles
    let inTiles = OperatingCurves(distances, over: range, zones: found.zones)
    let byRow = OperatingCurves(distances, over: range, inTiles: false)
    #expect(inTiles?.utilities == byRow?.utilities)
    #expect(inTiles?.classes == byRow?.classes)
  }
}
