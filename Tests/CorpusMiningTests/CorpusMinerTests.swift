import Autodiff
import Data
import Files
import Foundation
import CorpusMining
import Settings
import Testing

/// The plain reading of the rule: all rows in order, the first that satisfy the policy.
private func plainNegatives(
  _ files: MatrixFiles, _ query: Int, positives: [Int], _ rule: CandidateRule
) -> [Int] {
  let ranked = files.corpusVectors.indices.filter { !positives.contains($0) }
    .sorted { files.cosine(query, $0) > files.cosine(query, $1) }
  let least = positives.map { files.cosine(query, $0) }.min()
  let limit = rule.policy.limit(positive: least)
  let window = ranked.enumerated().filter {
    $0.offset >= rule.policy.skipped && rule.ranks.contains($0.offset)
  }
  return window.map(\.element).filter { files.cosine(query, $0) <= limit }
    .prefix(rule.count).map { $0 }
}

@Suite struct CorpusMinerTests {
  @Test(arguments: allNegativePolicies.map(\.name), [nil, 5..<40] as [Range<Int>?])
  func agreesWithThePlainRule(policy: String, ranks: Range<Int>?) throws {
    let files = try MatrixFiles(queries: 30, rows: 700, columns: 11)
    let registered: any NegativePolicy = try allNegativePolicies.named(
      policy, kind: "policy", at: "test")
    let settings: [String: JSONValue] = policy == "absolute" ? ["threshold": 0.4] : [:]
    let value = try configured(registered, settings, at: "test")
    let rule = CandidateRule(policy: value, count: 4, ranks: ranks)
    let positives = (0..<30).map { [$0, 2 * $0 + 31] }
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus, positives: PositiveRows(positives), rule: rule)
    let mined = try miner.mine(0..<30)
    #expect(mined.count == 30)
    for one in mined {
      let expected = plainNegatives(files, one.query, positives: positives[one.query], rule)
      #expect(one.choice.negatives.map(\.candidate.row) == expected)
      for candidate in one.choice.negatives.map(\.candidate) + one.positives {
        #expect(abs(candidate.score - files.cosine(one.query, candidate.row)) < 1e-6)
      }
    }
  }

  @Test func partsAndChunksDoNotMatter() throws {
    let files = try MatrixFiles(queries: 100, rows: 4000, columns: 480)
    let positives = PositiveRows((0..<100).map { [$0] })
    func mined(_ budget: Int) throws -> (miner: CorpusMiner, lines: String) {
      var miner = try CorpusMiner(
        queries: files.queries, corpus: files.corpus, positives: positives,
        rule: CandidateRule(policy: AbsolutePolicy(), count: 3, drawnFrom: 10),
        budget: budget << 20, seed: 5)
      var lines = ""
      for start in stride(from: 0, to: 100, by: 33) {
        lines += try miner.mine(start..<min(100, start + 33)).map(\.line).joined()
      }
      return (miner, lines)
    }
    let (large, small) = (try mined(2048), try mined(68))
    #expect(large.lines == small.lines)
    #expect(!large.lines.isEmpty)
  }

  /// Rows 40 and 41 are rows 0 and 1 again, row 42 is row 0 with another sign of a zero.
  @Test(
    arguments: allNegativePolicies.map(\.name).filter { $0 != "shifted" },
    [Similarity.cosine, .innerProduct])
  func copiesOfAPositiveAreNoNegatives(policy: String, similarity: Similarity) throws {
    var random = Random(seed: 6)
    var rows = (0..<40).map { _ in (0..<5).map { _ in Float(random.normal()) } }
    for i in [0, 1] { rows[i][2] = 0 }
    rows += [rows[0], rows[1], rows[0]]
    rows[42][2] = -0.0
    let queries = [0, 1].map { i in rows[i].map { $0 * 1.5 + 0.1 } }
    let files = try MatrixFiles(queries, rows)
    let registered: any NegativePolicy = try allNegativePolicies.named(
      policy, kind: "policy", at: "test")
    // What lets a negative be as near as the positive.
    let settings: [String: JSONValue] =
      switch policy {
      case "margin-to-positive": ["margin": 0]
      case "percent-of-positive": ["share": 1]
      case "absolute": ["threshold": 1e9]
      default: [:]
      }
    let rule = CandidateRule(
      policy: try configured(registered, settings, at: "test"), count: 40)
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus, positives: PositiveRows([[0], [1]]),
      rule: rule, similarity: similarity)
    let mined = try miner.mine(0..<2)
    for (one, copies) in zip(mined, [[40, 42], [41]]) {
      let negatives = one.choice.negatives.map(\.candidate.row)
      #expect(!negatives.isEmpty && Set(negatives).isDisjoint(with: copies + [one.query]))
      let dropped = one.choice.dropped.filter { $0.reason == .duplicateOfPositive }
      #expect(dropped.map(\.candidate.row) == copies, "\(policy)")
    }
  }

  /// What all rows have in common takes no digits of what tells them apart.
  @Test(arguments: [DType.float32, .float64]) func commonOffsetsDoNotMatter(dtype: DType) throws {
    var random = Random(seed: 8)
    let offset = dtype == .float32 ? 1e4 : 1e5
    func rows(_ count: Int) -> [[Double]] {
      (0..<count).map { _ in
        (0..<6).map { _ in
          let number = offset + random.normal()
          return dtype == .float32 ? Double(Float(number)) : number
        }
      }
    }
    let folder = NSTemporaryDirectory() + "kindred-mining-\(UUID().uuidString)"
    try FileSystem.makeFolder(folder)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func file(_ name: String, _ rows: [[Double]]) throws -> NumPyRows {
      let path = "\(folder)/\(name).npy"
      let flat = rows.flatMap { $0 }
      try NumPyArray(
        shape: [rows.count, 6],
        elements: dtype == .float32 ? .float32(flat.map { Float($0) }) : .float64(flat)
      ).write(to: path)
      return try NumPyRows(path)
    }
    let (queries, corpus) = (rows(8), rows(1200))
    var miner = try CorpusMiner(
      queries: try file("q", queries), corpus: try file("c", corpus),
      positives: PositiveRows((0..<8).map { [$0] }),
      rule: CandidateRule(policy: NaivePolicy(), count: 5))
    func cosine(_ a: [Double], _ b: [Double]) -> Double {
      func dot(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
      return dot(a, b) / (dot(a, a).squareRoot() * dot(b, b).squareRoot())
    }
    for one in try miner.mine(0..<8) {
      let best = corpus.indices.filter { $0 != one.query }
        .map { cosine(queries[one.query], corpus[$0]) }.sorted(by: >)
      for (negative, own) in zip(one.choice.negatives, best) {
        let candidate = negative.candidate
        // Cosines here differ in the tenth digit.
        #expect(abs(candidate.score - own) < 1e-15)
        #expect(abs(cosine(queries[one.query], corpus[candidate.row]) - own) < 1e-15)
      }
    }
  }

  @Test func duplicatesAndTheQueryItselfAreNoNegatives() throws {
    let files = try MatrixFiles(queries: 4, rows: 60, columns: 6)
    // Rows 0 to 29 have partners of the same id at 30 to 59; query 0 has the id of rows 7 and 37.
    let ids = RowIdentities((0..<60).map { $0 % 30 })
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus,
      positives: PositiveRows([[3], [4, 5], [], [6]]),
      rule: CandidateRule(policy: NaivePolicy(), count: 60),
      queryIDs: RowIdentities([7, 90, 91, 92]),
      corpusIDs: ids)
    let mined = try miner.mine(0..<4)
    for one in mined {
      let own = one.choice.negatives.map { $0.candidate.row % 30 }
      #expect(Set(own).count == own.count)
      #expect(Set(own).isDisjoint(with: one.positives.map { $0.row % 30 }))
      #expect(one.choice.negatives.count + one.choice.dropped.count == 60)
      #expect(own.count == 30 - one.positives.count - (one.query == 0 ? 1 : 0))
    }
    #expect(mined[0].choice.dropped.filter { $0.reason == .sameAsQuery }.count == 2)
    #expect(mined[1].choice.dropped.filter { $0.reason == .duplicateOfPositive }.count == 2)
  }

  @Test func aTeacherJudges() throws {
    let files = try MatrixFiles(queries: 3, rows: 50, columns: 5)
    let other = try MatrixFiles(queries: 3, rows: 50, columns: 9, seed: 2)
    let teacher = CorpusMiner.Teacher.vectors(queries: other.queries, corpus: other.corpus)
    let rule = CandidateRule(policy: PercentOfPositivePolicy(), count: 50)
    var miner = try CorpusMiner(
      queries: files.queries, corpus: files.corpus, positives: PositiveRows([[1], [2], [3]]),
      rule: rule, teacher: teacher)
    for one in try miner.mine(0..<3) {
      let expected = plainNegatives(other, one.query, positives: [one.query + 1], rule)
      #expect(one.choice.negatives.map(\.candidate.row) == expected)
      for negative in one.choice.negatives {
        let own = files.cosine(one.query, negative.candidate.row)
        #expect(abs(Double(negative.candidate.retrieverScore ?? 9) - own) < 1e-6)
      }
    }
  }

  @Test func emptyAndDegenerateInputsAreDefined() throws {
    let files = try MatrixFiles(queries: 2, rows: 3, columns: 4)
    let empty = try MatrixFiles.write([], 4, files.folder + "/none.npy")
    let zeros = try MatrixFiles.write(
      [[0, 0, 0, 0], [0, 0, 0, 0]], 4, files.folder + "/zeros.npy")
    for (corpus, count) in [(files.corpus, 3), (empty, 0), (zeros, 2)] {
      for policy in allNegativePolicies {
        var miner = try CorpusMiner(
          queries: files.queries, corpus: corpus, positives: PositiveRows([[], []]),
          rule: CandidateRule(policy: policy.value, count: 5))
        for one in try miner.mine(0..<2) {
          #expect(one.choice.negatives.count <= count)
          #expect(one.choice.lacksPositive == type(of: policy.value).needsPositive)
        }
      }
    }
    let wide = try MatrixFiles.write([[1, 2]], 2, files.folder + "/wide.npy")
    #expect(throws: Failure.self) {
      try CorpusMiner(
        queries: wide, corpus: files.corpus, positives: PositiveRows([[]]),
        rule: CandidateRule(policy: NaivePolicy()))
    }
    let infinite = try MatrixFiles.write([[1, .nan, 0, 0]], 4, files.folder + "/nan.npy")
    #expect(throws: Failure.self) {
      var miner = try CorpusMiner(
        queries: infinite, corpus: files.corpus, positives: PositiveRows([[]]),
        rule: CandidateRule(policy: NaivePolicy()))
      _ = try miner.mine(0..<1)
    }
  }
}
