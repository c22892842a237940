import Autodiff
import Evaluation
import Foundation
import Testing

@Suite struct RelevanceTests {
  /// Items on a line, so that the order of the others is plain to see.
  private func line(_ places: [Double]) -> Tensor { Tensor(places, shape: [places.count, 1]) }

  @Test func gradesOfOneQueryByHand() throws {
    // Query 0 sees 1, 2, 3 in this order with the grades 0.5, 0, 1.
    var grades = Array(repeating: [0.0, 0, 0, 0], count: 4)
    grades[0] = [9, 0.5, 0, 1]
    let found = try evaluateRelevance(line([0, 1, 2, 3]), .grades(grades))
    #expect(found.queries == 1 && found.loneQueries == 3)
    // Rank 1: 0.5 / 1; rank 3: (min(1, 0.5) + 1) / 3; over 1.5.
    let hierarchical = try #require(found["h-ap"])
    let precision = try #require(found["map"])
    let gain = try #require(found["ndcg"])
    let ideal: Double = 1 + 0.5 / log2(3.0)
    #expect(abs(hierarchical - 2.0 / 3) < 1e-15)
    #expect(abs(precision - 5.0 / 6) < 1e-15)
    #expect(abs(gain - 1 / ideal) < 1e-15)
  }

  @Test func oneLevelIsOrdinaryRetrieval() throws {
    var random = Random(seed: 4)
    let labels = (0..<60).map { $0 % 9 }
    let rows = Tensor(normal: [60, 4], deviation: 1, dtype: .float64, random: &random)
    let graded = try evaluateRelevance(rows, .levels(labels.map { [$0] }))
    let plain = try evaluate(query: EmbeddingSet(embeddings: rows, labels: labels))
    let sets = try evaluateRelevance(
      rows, .labelSets(labels.map { label in (0..<9).map { $0 == label } }))
    let map = try #require(plain["map"])
    let gain = try #require(plain["ndcg@10"])
    for found in [graded, sets] {
      for (name, value) in [("h-ap", map), ("map", map), ("ndcg@10", gain)] {
        let own = try #require(found[name])
        #expect(abs(own - value) < 1e-12, "\(name)")
      }
      #expect(found["recall@1"] == plain["recall@1"])
    }
    #expect(graded["recall@1/level-1"] == plain["recall@1"])
  }

  @Test func levelsCountFromTheCoarsest() throws {
    // The nearest of each item shares the coarse label only.
    let labels = [[0, 0], [1, 0], [0, 0], [1, 0]]
    let found = try evaluateRelevance(line([0, 1, 2.1, 3.3]), .levels(labels))
    #expect(found["recall@1/level-1"] == 0 && found["recall@1/level-2"] == 1)
    #expect(try #require(found["h-ap"]) < 1 && found["map"] == 1)
  }

  @Test func whatDoesNotFitIsRefused() {
    #expect(throws: (any Error).self) { try evaluateRelevance(line([0, 1]), .levels([[1]])) }
    #expect(throws: (any Error).self) {
      try evaluateRelevance(line([0, 1]), .levels([[1], [1, 2]]))
    }
    #expect(throws: (any Error).self) {
      try evaluateRelevance(line([0, 1]), .grades([[0, -1], [1, 0]]))
    }
  }
}
