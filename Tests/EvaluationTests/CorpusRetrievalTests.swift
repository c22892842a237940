import Autodiff
import Evaluation
import Foundation
import Settings
import Testing

@Suite struct CorpusRetrievalTests {
  /// Two queries by hand; a third has no answer.
  @Test func definitionsByHand() throws {
    let found = try evaluateRankings(
      [[3, 1, 4, 0, 2], [0, 4, 3, 2, 1], [0, 1, 2, 3, 4]], answers: [[2, 1], [0], []])
    // The answers of the first are at ranks 2 and 5, that of the second at rank 1.
    let gain: Double = (1 / log2(3.0) + 1 / log2(6.0)) / (1 + 1 / log2(3.0))
    let expected: [String: Double] = [
      "accuracy@1": 0.5, "accuracy@3": 1, "accuracy@5": 1, "accuracy@10": 1,
      "document-recall@1": 0.5, "document-recall@3": 0.75, "document-recall@5": 1,
      "document-recall@10": 1,
      "precision@1": 0.5, "precision@3": 1 / 3.0, "precision@5": 0.3, "precision@10": 0.15,
      "mrr@10": 0.75, "ndcg@10": (gain + 1) / 2, "map@100": (0.45 + 1) / 2,
    ]
    #expect(found.queries == 3 && found.loneQueries == 1 && found.classes == nil)
    #expect(Set(found.entries.map(\.name)) == Set(expected.keys))
    for (name, value) in expected {
      #expect(abs((found[name] ?? .nan) - value) < 1e-15, "\(name): \(found[name] ?? .nan)")
    }
    #expect(found.json["classes"] == nil)
  }

  /// Recall keeps its meaning of one match at least, whatever the metrics are cut at.
  @Test func anyDepth() throws {
    let found = try evaluateRankings(
      [[5, 6, 7, 8, 1, 2]], answers: [[1, 2, 3]],
      metrics: [
        "recall@4", "recall@5", "accuracy@5", "document-recall@6", "mrr@4", "mrr@5", "map@5",
      ])
    #expect(found["recall@4"] == 0 && found["recall@5"] == 1 && found["accuracy@5"] == 1)
    #expect(found["document-recall@6"] == 2 / 3.0)
    #expect(found["mrr@4"] == 0 && found["mrr@5"] == 0.2)
    #expect(abs((found["map@5"] ?? .nan) - 0.2 / 3) < 1e-15)
  }

  /// Against plain loops over drawn rankings.
  @Test func plainLoops() throws {
    var random = Random(seed: 5)
    let (queries, documents) = (40, 150)
    let rankings = (0..<queries).map { _ in Array(random.permutation(documents).prefix(100)) }
    let answers = (0..<queries).map { _ in
      Array(random.permutation(documents).prefix(random.below(130)))
    }
    let found = try evaluateRankings(rankings, answers: answers)
    var sums: [String: Double] = [:]
    var judged = 0.0
    for (ranking, answers) in zip(rankings, answers) where !answers.isEmpty {
      judged += 1
      let hits = ranking.map { answers.contains($0) }
      for k in [1, 3, 5, 10] {
        var count = 0.0
        for i in 0..<k where hits[i] { count += 1 }
        sums["accuracy@\(k)", default: 0] += count > 0 ? 1 : 0
        sums["precision@\(k)", default: 0] += count / Double(k)
        sums["document-recall@\(k)", default: 0] += count / Double(answers.count)
      }
      for i in 0..<10 where hits[i] {
        sums["mrr@10", default: 0] += 1 / Double(i + 1)
        break
      }
      var (gain, ideal) = (0.0, 0.0)
      for i in 0..<10 {
        if hits[i] { gain += 1 / log2(Double(i + 2)) }
        if i < answers.count { ideal += 1 / log2(Double(i + 2)) }
      }
      sums["ndcg@10", default: 0] += gain / ideal
      var (seen, precision) = (0.0, 0.0)
      for i in 0..<100 where hits[i] {
        seen += 1
        precision += seen / Double(i + 1)
      }
      sums["map@100", default: 0] += precision / Double(min(100, answers.count))
    }
    for (name, sum) in sums {
      #expect(abs((found[name] ?? .nan) - sum / judged) < 1e-12, "\(name)")
    }
    #expect(sums.count == found.entries.count)
  }

  @Test func whatCannotBeJudgedIsRefused() {
    #expect(throws: Failure.self) { try evaluateRankings([[0]], answers: [[]]) }
    for name in ["ndgc@10", "ndcg", "ndcg@0", "ndcg@x", "map@r", "@10", "accuracy@1@2"] {
      #expect(throws: Failure.self) { try corpusMetric(named: name, at: "test") }
    }
  }
}
