import Autodiff
import Data
import Files
import Foundation
import Index
import CorpusMining
import Settings
import Testing

/// Where candidates come from beside a search of all rows, and what judges and weighs them.
@Suite struct CandidateSourceTests {
  @Test func anIndexThatFindsAllGivesTheSame() throws {
    let files = try MatrixFiles(queries: 20, rows: 300, columns: 8)
    let unit = Tensor(files.corpusVectors.flatMap { $0 }, shape: [300, 8]).withUnitRows()
    let index = try HNSWIndex(unit, metric: .innerProduct)
    let rule = CandidateRule(policy: PercentOfPositivePolicy(), count: 4, drawnFrom: 8)
    func mined(_ index: (any VectorIndex, effort: Int, name: String)?) throws -> String {
      var miner = try CorpusMiner(
        queries: files.queries, corpus: files.corpus,
        positives: PositiveRows((0..<20).map { [$0] }), rule: rule, index: index)
      return try miner.mine(0..<20).map(\.line).joined()
    }
    #expect(try mined((index, 300, "index")) == mined(nil))
    let other = try MatrixFiles(queries: 1, rows: 300, columns: 8, seed: 9)
    #expect(throws: Failure.self) {
      _ = try CorpusMiner(
        queries: other.queries, corpus: other.corpus, positives: PositiveRows([[]]), rule: rule,
        index: (index, 300, "index"))
    }
    let short = try MatrixFiles(queries: 1, rows: 30, columns: 8)
    #expect(throws: Failure.self) {
      _ = try CorpusMiner(
        queries: short.queries, corpus: short.corpus, positives: PositiveRows([[]]), rule: rule,
        index: (index, 300, "index"))
    }
  }

  @Test func onlyWhatTheTeacherScoredIsACandidate() throws {
    let files = try MatrixFiles(queries: 3, rows: 20, columns: 4)
    let path = files.folder + "/s.jsonl"
    try FileSystem.write(
      "{\"query\": 1, \"scores\": [[4, 0.5], [9, 0.96], [2, 1], [7, 0.8]]}\n\n"
        + "{\"query\": 0, \"scores\": []}\n", to: path)
    let scores = try TeacherScores(path, queries: 3, corpus: 20)
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus, positives: PositiveRows([[1], [2], [3]]),
      rule: CandidateRule(policy: PercentOfPositivePolicy(), count: 4), teacher: .scores(scores))
    let mined = try miner.mine(0..<3)
    #expect(mined[1].choice.negatives.map(\.candidate.row) == [7, 4])
    #expect(mined[1].choice.dropped.map(\.reason) == [.positive, .tooSimilar])
    let own = mined[1].choice.negatives.map { $0.candidate.retrieverScore ?? 9 }
    #expect(zip(own, [7, 4]).allSatisfy { abs($0 - files.cosine(1, $1)) < 1e-6 })
    // A positive without a score sets no limit, so the policy has nothing to go by.
    #expect(mined[0].choice.lacksPositive && mined[2].choice.lacksPositive)
    for bad in [
      "{\"query\": 3, \"scores\": []}", "{\"query\": 0, \"scores\": [[20, 1]]}",
      "{\"query\": 0, \"scores\": [[1, 1], [1, 2]]}", "{\"query\": 0}", "nonsense",
      "{\"query\": 0, \"scores\": [[1, 1e99]]}",
      "{\"query\": 0, \"scores\": []}\n{\"query\": 0, \"scores\": []}",
    ] {
      try FileSystem.write(bad, to: path)
      #expect(throws: Failure.self) { _ = try TeacherScores(path, queries: 3, corpus: 20) }
    }
  }

  @Test func marginsAreBalanced() throws {
    let files = try MatrixFiles(queries: 1, rows: 40, columns: 4)
    let path = files.folder + "/s.jsonl"
    // Row 1 alone is far from the positive; rows 2 to 39 are as near as each other.
    let pairs = (2..<40).map { "[\($0), 0.9]" } + ["[0, 1]", "[1, 0.1]"]
    try FileSystem.write(
      "{\"query\": 0, \"scores\": [\(pairs.joined(separator: ", "))]}", to: path)
    let scores = try TeacherScores(path, queries: 1, corpus: 40)
    var rule = CandidateRule(policy: MarginToPositivePolicy(), count: 1, drawnFrom: 39)
    func shareOfTheFar() throws -> Double {
      var count = 0
      for seed in 0..<200 {
        var miner = try CorpusMiner(
          queries: files.queries, corpus: files.corpus, positives: PositiveRows([[0]]), rule: rule,
          teacher: .scores(scores), seed: seed)
        if try miner.mine(0..<1)[0].choice.negatives[0].candidate.row == 1 { count += 1 }
      }
      return Double(count) / 200
    }
    #expect(try shareOfTheFar() < 0.1)
    rule.balancesMargins = true
    #expect(abs(try shareOfTheFar() - 0.5) < 0.12)
  }

  /// Rows that answer a query share a direction with it that no other row has.
  @Test func theAdapterFindsUnlabelledPositives() throws {
    var random = Random(seed: 4)
    let (queries, perQuery, columns) = (150, 4, 32)
    func normal(_ scale: Double) -> [Float] {
      (0..<columns).map { _ in Float(scale * random.normal()) }
    }
    let queryRows = (0..<queries).map { _ in normal(1) }
    // Relevant rows are the query with its first numbers turned around; others are near to it as
    // they are.
    let rows = queryRows.flatMap { query in
      (0..<2 * perQuery).map { i -> [Float] in
        let noise = normal(i < perQuery ? 0.3 : 0.9)
        return query.indices.map { k in
          (i < perQuery && k < 5 ? -query[k] : query[k]) + noise[k]
        }
      }
    }
    let files = try MatrixFiles(queryRows, rows)
    // Two of the four are labelled.
    let positives = PositiveRows((0..<queries).map { [8 * $0, 8 * $0 + 1] })
    let rule = CandidateRule(policy: NaivePolicy(), count: 2, drawnFrom: 6)
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus, positives: positives, rule: rule)
    func unlabelled() throws -> Int {
      try miner.mine(0..<queries).flatMap { one in
        one.choice.negatives.map(\.candidate.row).filter { $0 / 8 == one.query && $0 % 8 < 4 }
      }.count
    }
    let before = try unlabelled()
    let training = try AdapterTraining(miner, hardest: 6, seed: 1)
    let (adapter, report) = try training.fit(steps: 150, likenessWeight: 4, seed: 1)
    #expect(report.ranking > 0.7)
    // It learnt how similar rows are to positives.
    #expect(report.likenessError < 0.9 * report.likenessSpread, "\(report)")
    let path = files.folder + "/a.safetensors"
    try adapter.write(to: path)
    try rerankingFindsRelevantRows(adapter, queryRows, rows)
    miner.adapter = (try FalseNegativeAdapter(path), power: 4)
    let after = try unlabelled()
    #expect(before > 40)
    #expect(2 * after < before, "\(before) \(after)")
    #expect(throws: Failure.self) { _ = try FalseNegativeAdapter(files.queries.path) }
  }

  /// Eight rows are near each query, of which the first four are relevant.
  private func rerankingFindsRelevantRows(
    _ adapter: FalseNegativeAdapter, _ queries: [[Float]], _ rows: [[Float]]
  ) throws {
    func matrix(_ rows: [[Float]]) -> Tensor {
      Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count]).withUnitRows()
    }
    let (q, c) = (matrix(queries), matrix(rows))
    let found = try ExactIndex(c, metric: .innerProduct).search(q, count: 30)
    func relevant(_ power: Double) -> Int {
      let all = adapter.reranked(
        found, of: q, vectors: { c.rows(at: $0) }, count: 4, power: power)
      #expect(
        all.allSatisfy { $0.count == 4 && $0.map(\.relevance).sorted(by: >) == $0.map(\.relevance) }
      )
      return all.enumerated().map { query, own in
        own.count { $0.id / 8 == query && $0.id % 8 < 4 }
      }.reduce(0, +)
    }
    // Without a power it is the order of the index.
    let asFound = (0..<queries.count).map { query in found[query].prefix(4).map(\.id) }
    let same = adapter.reranked(found, of: q, vectors: { c.rows(at: $0) }, count: 4, power: 0)
    #expect(same.map { $0.map(\.id) } == asFound)
    let (before, after) = (relevant(0), relevant(1))
    #expect(Double(after) > 1.2 * Double(before), "\(before) \(after)")
  }
}
