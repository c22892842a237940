import Autodiff
import Settings
import Testing

import Evaluation

@Suite struct VerificationTests {
  @Test func equalsReferenceOfThresholdConsistency() throws {
    let set = EmbeddingSet(
      embeddings: Tensor(ThresholdConsistencyFixture.embeddings, shape: [12, 6]),
      labels: ThresholdConsistencyFixture.labels)
    var options = EvaluationOptions()
    options.distance = .cosine
    let result = try evaluate(query: set, options: options)
    let opis = try #require(result["opis"])
    #expect(abs(opis - ThresholdConsistencyFixture.inconsistency) < 1e-12)

    let rows = LabeledRows<Double>.prepare([set], distance: .cosine)[0]
    let distances = DistanceRows(query: rows, gallery: rows, isSelf: true)
    let pass = RankPass(distances, measures: [], countsPairs: true)
    let pairs = try #require(PairCurve(distances, pass))
    let curves = try #require(OperatingCurves(distances, over: pairs.falseAcceptQuantiles))
    #expect(abs(curves.gap(share: 0.25) - ThresholdConsistencyFixture.gapOfQuarters) < 1e-12)
  }

  @Test func perfectSeparationHasNoErrors() throws {
    let rows = (0..<12).map { [Double($0 / 3) * 100, Double($0 % 3)] }
    let result = try evaluate(query: EmbeddingSet(rows, (0..<12).map { $0 / 3 }))
    for name in ["recall@1", "r-precision", "map@r", "map", "mrr", "nmi", "ami", "auc"] {
      #expect(result[name] == 1, "\(name)")
    }
    #expect(result["eer"] == 0)
  }

  @Test func degenerateSetsGiveNumbersOrReasons() throws {
    let equal = Array(repeating: [0.5, -0.25], count: 9)
    let sets: [([[Double]], [Int])] = [
      ([[1, 2]], [5]),
      ([[1, 2], [3, 4]], [1, 1]),
      ([[1, 2], [3, 4]], [1, 2]),
      (equal, [0, 0, 0, 1, 1, 1, 2, 2, 2]),
      (equal, Array(repeating: 0, count: 9)),
      (equal, Array(0..<9)),
      ([[0, 0], [0, 0], [0, 0], [1, 0]], [0, 0, 1, 1]),
    ]
    for (rows, labels) in sets {
      for dtype in DType.allCases {
        for distance in EvaluationOptions.Distance.allCases {
          var options = EvaluationOptions()
          options.distance = distance
          let result = try evaluate(
            query: EmbeddingSet(rows, labels, dtype: dtype), options: options)
          #expect(result.entries.count == allMetrics.count)
          for entry in result.entries {
            if let value = entry.value {
              let isShare = allMetrics.contains {
                $0.name == entry.name && $0.value.group != .space
              }
              #expect(value.isFinite, "\(entry.name) of \(labels)")
              #expect(!isShare || (-1...1).contains(value), "\(entry.name) of \(labels)")
            } else {
              #expect(!entry.reason.isEmpty, "\(entry.name) of \(labels)")
            }
          }
        }
      }
    }
    let collapsed = try evaluate(query: EmbeddingSet(equal, sets[3].1))
    #expect(collapsed["auc"] == 0.5)
    #expect(collapsed["eer"] == 0.5)
    #expect(collapsed["opis"] == 0)
  }

  @Test func equalDistancesTakeNoMemoryEach() {
    var tally = Tally()
    for i in 0..<300_000 { tally.add(Double(i % 3)) }
    let whole = Tally([tally, tally])
    #expect(whole.runs.map(\.value) == [0, 1, 2])
    #expect(whole.runs.map(\.count) == [200_000, 200_000, 200_000])
    #expect(whole.value(at: 199_999) == 0 && whole.value(at: 200_000) == 1)
  }

  @Test(arguments: [1.0, 1e-9, 1e6]) func ladderFindsPositions(skew: Double) {
    var random = Random(seed: 3)
    let values = (0..<500).map { _ in (random.uniform() * 40).rounded() * skew }.sorted() + [1e9]
    let ladder = Ladder(values)
    for x in [-1, 0, 1e10] + values + values.map({ $0 + skew / 2 }) {
      #expect(ladder.countBelow(x) == values.count { $0 < x })
    }
  }

  @Test func refusesWhatCannotBeMeasured() {
    let good = EmbeddingSet([[1, 2], [3, 4]], [0, 0])
    func message(_ body: () throws(Failure) -> Evaluation) -> String {
      do {
        _ = try body()
        return ""
      } catch {
        return error.description
      }
    }
    #expect(message { () throws(Failure) in try evaluate(query: EmbeddingSet([], [])) } != "")
    #expect(
      message { () throws(Failure) in try evaluate(query: EmbeddingSet([[1]], [0, 1])) }
        .contains("1 embeddings and 2 labels"))
    #expect(
      message { () throws(Failure) in
        try evaluate(query: EmbeddingSet([[1, 2], [3, .nan]], [0, 1]))
      }
      .contains("row 1, column 1"))
    #expect(
      message { () throws(Failure) in
        try evaluate(query: good, gallery: EmbeddingSet([[1]], [0]))
      }.contains("1 columns"))
    var options = EvaluationOptions()
    options.metrics = ["recal@2"]
    #expect(
      message { () throws(Failure) in try evaluate(query: good, options: options) }
        .contains("did you mean 'recall@"))
  }

  @Test func returnsWhatWasAskedInOrder() throws {
    var options = EvaluationOptions()
    options.metrics = ["mrr", "auc", "recall@2", "map"]
    let (rows, labels) = RetrievalTests.grid(30, classes: 5, seed: 2)
    let set = EmbeddingSet(rows, labels)
    let some = try evaluate(query: set, options: options)
    let all = try evaluate(query: set)
    #expect(some.entries.map(\.name) == options.metrics)
    for name in options.metrics { #expect(some[name] == all[name]) }
  }
}
