import Autodiff
import Evaluation
import Settings
import Testing

@Suite struct PairedDifferenceTests {
  @Test func valuesOfQueriesMakeTheMetric() throws {
    let (rows, labels) = CalibrationTests.blobs(classes: 10, perClass: 4, seed: 3)
    let set = EmbeddingSet(rows + [[9, 9, 9, 9]], labels + [99])
    let values = try queryValues(set, metrics: ["map@r", "recall@1"])
    let result = try evaluate(query: set)
    for (name, values) in zip(["map@r", "recall@1"], values) {
      #expect(values.count == 41 && values[40] == nil)
      let known = values.compactMap { $0 }
      #expect(known.reduce(0, +) / Double(known.count) == result[name])
    }
    #expect(throws: Failure.self) { try queryValues(set, metrics: ["auc"]) }
  }

  @Test func holmAdjustsByRank() {
    #expect(holmAdjusted([0.04, 0.01, 0.03]) == [0.06, 0.03, 0.06])
    #expect(holmAdjusted([0.6, 0.5]) == [1, 1] && holmAdjusted([]).isEmpty)
  }

  @Test func tellsDifferencesFromChance() throws {
    var random = Random(seed: 1)
    let base = (0..<400).map { _ -> Double? in random.uniform() }
    let same = try #require(PairedDifference(base: base, other: base))
    #expect(same.difference == 0 && same.interval == 0...0 && same.chance == 1)
    // A small shift is plain beside a spread that both share.
    let shifted = base.map { $0.map { $0 + 0.01 + 0.02 * random.normal() } }
    let better = try #require(PairedDifference(base: base, other: shifted))
    #expect(better.interval.lowerBound > 0.005 && better.interval.upperBound < 0.015)
    #expect(better.chance == 2.0 / 1001)
    let worse = try #require(PairedDifference(base: shifted, other: base))
    #expect(worse.difference == -better.difference && worse.chance == better.chance)
    #expect(PairedDifference(base: [nil], other: [nil]) == nil)
  }

  /// Of two embeddings that are equally good, the interval holds 0 about 19 times in 20.
  @Test func intervalsCoverNoDifference() throws {
    var random = Random(seed: 2)
    var hits = 0
    for trial in 0..<400 {
      let base = (0..<120).map { _ -> Double? in random.uniform() }
      let other = base.map { $0.map { $0 + random.normal() } }
      let found = try #require(
        PairedDifference(base: base, other: other, seed: trial, draws: 300))
      hits += found.interval.contains(0) ? 1 : 0
    }
    #expect((0.915...0.98).contains(Double(hits) / 400), "\(hits)")
  }
}
