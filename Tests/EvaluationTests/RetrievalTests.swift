import Autodiff
import Evaluation
import Foundation
import Testing

@Suite struct RetrievalTests {
  /// Values of pytorch-metric-learning 2.9's AccuracyCalculator with k = None.
  @Test(arguments: DType.allCases) func equalsPeer(dtype: DType) throws {
    let rows = (0..<8).map { i in
      let row = (0..<4).map { j in
        sin(1 + 0.7 * Double(i) + 1.3 * Double(j) + 0.11 * Double(i) * Double(j))
      }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
    let set = EmbeddingSet(rows, [0, 0, 0, 1, 1, 2, 2, 3], dtype: dtype)
    let result = try evaluate(query: set)
    let expected = [
      "map": 0.8333333333, "map@r": 0.6785714286, "mrr": 0.8571428571, "recall@1": 0.7142857143,
      "r-precision": 0.7142857143,
    ]
    for (name, value) in expected {
      #expect(abs(try #require(result[name]) - value) < 1e-9, "\(name)")
    }
    #expect((result.queries, result.loneQueries, result.classes) == (8, 1, 4))
  }

  /// Points on a small grid, so that many distances are equal and exact in both precisions.
  static func grid(_ count: Int, classes: Int, seed: UInt64) -> (rows: [[Double]], labels: [Int]) {
    var random = Random(seed: seed)
    let rows = (0..<count).map { _ in (0..<3).map { _ in Double(random.below(4)) } }
    return (rows, (0..<count).map { _ in random.below(classes) })
  }

  static func check(_ result: Evaluation, _ oracle: Oracle, tolerance: Double = 1e-12) throws {
    var expected = [
      "r-precision": oracle.mean { matches in
        let r = matches.count { $0 }
        return Double(matches.prefix(r).count { $0 }) / Double(r)
      },
      "map@r": oracle.mean { Oracle.averagePrecision($0, within: $0.count { $0 }) },
      "map": oracle.mean { Oracle.averagePrecision($0, within: $0.count) },
      "mrr": oracle.mean { 1 / Double(($0.firstIndex(of: true) ?? 0) + 1) },
      "auc": oracle.areaUnderCurve,
      "eer": oracle.equalErrorRate,
      "opis": oracle.inconsistency,
    ]
    expected.merge(oracle.more) { $1 }
    for k in [1, 2, 4, 8] {
      expected["recall@\(k)"] = oracle.mean { $0.prefix(k).contains(true) ? 1 : 0 }
    }
    for (name, value) in expected {
      let found = try #require(result[name], "\(name)")
      #expect(abs(found - value) <= tolerance, "\(name): \(found), expected \(value)")
    }
  }

  @Test(arguments: DType.allCases, [1, 2, 3]) func equalsBruteForceWithTies(
    dtype: DType, seed: UInt64
  ) throws {
    let (rows, labels) = RetrievalTests.grid(70, classes: 12, seed: seed)
    let result = try evaluate(query: EmbeddingSet(rows, labels, dtype: dtype))
    try RetrievalTests.check(result, Oracle(rows, labels))
  }

  @Test(arguments: DType.allCases) func equalsBruteForceWithGallery(dtype: DType) throws {
    let (rows, labels) = RetrievalTests.grid(40, classes: 9, seed: 4)
    let (others, otherLabels) = RetrievalTests.grid(90, classes: 7, seed: 5)
    let result = try evaluate(
      query: EmbeddingSet(rows, labels, dtype: dtype),
      gallery: EmbeddingSet(others, otherLabels, dtype: dtype))
    try RetrievalTests.check(result, Oracle(rows, labels, gallery: (others, otherLabels)))
    #expect(result.loneQueries == labels.count { !otherLabels.contains($0) })
  }

  /// Rows of one class and group count neither as a match nor as anything else, for any metric.
  @Test(arguments: DType.allCases, [true, false]) func excludesPairsOfOneClassAndGroup(
    dtype: DType, isSelf: Bool
  ) throws {
    let (rows, labels) = RetrievalTests.grid(60, classes: 8, seed: 11)
    var random = Random(seed: 12)
    let groups = labels.map { _ in random.below(3) }
    let query = EmbeddingSet(rows, labels, groups: groups, dtype: dtype)
    var options = EvaluationOptions()
    options.metrics = [
      "recall@1", "cmc@5", "map", "map@r", "minp", "macro-map@r", "auc", "eer", "opis", "best-f1",
      "knn@5", "intra-distance",
    ]
    let found = try evaluate(query: query, gallery: isSelf ? nil : query, options: options)

    // One query at a time against a gallery from which its junk was taken by hand.
    var sums: [String: Double] = [:]
    var known = 0
    for i in rows.indices {
      let kept = rows.indices.filter {
        !(isSelf && $0 == i) && (labels[$0] != labels[i] || groups[$0] != groups[i])
      }
      let names = ["recall@1", "cmc@5", "map", "map@r", "minp", "knn@5"]
      options.metrics = names
      let alone = try evaluate(
        query: EmbeddingSet([rows[i]], [labels[i]], dtype: dtype),
        gallery: EmbeddingSet(kept.map { rows[$0] }, kept.map { labels[$0] }, dtype: dtype),
        options: options)
      guard let _ = alone["map"] else { continue }
      known += 1
      for name in names { sums[name, default: 0] += alone[name] ?? 0 }
    }
    for (name, sum) in sums {
      #expect(abs(try #require(found[name]) - sum / Double(known)) < 1e-12, "\(name)")
    }
    #expect(found.loneQueries == rows.count - known)
    let oracle = Oracle(rows, labels, gallery: isSelf ? nil : (rows, labels), groups: groups)
    #expect(abs(try #require(found["auc"]) - oracle.areaUnderCurve) < 1e-12)
    #expect(abs(try #require(found["eer"]) - oracle.equalErrorRate) < 1e-12)
    #expect(abs(try #require(found["opis"]) - oracle.inconsistency) < 1e-9)
    #expect(found.entries[0].id.hasSuffix("/without-pairs-of-one-class-and-group"))
  }

  @Test func equalsBruteForceOnSmoothData() throws {
    var random = Random(seed: 6)
    let labels = (0..<150).map { $0 / 6 }
    let centers = (0..<25).map { _ in (0..<9).map { _ in random.normal() } }
    let rows = labels.map { label in centers[label].map { $0 + 0.7 * random.normal() } }
    let result = try evaluate(query: EmbeddingSet(rows, labels))
    try RetrievalTests.check(result, Oracle(rows, labels), tolerance: 1e-9)
    let gathered = try evaluate(query: EmbeddingSet(rows, labels, dtype: .float32))
    try RetrievalTests.check(gathered, Oracle(rows, labels), tolerance: 1e-3)
  }

  @Test func findsNearDuplicatesFarFromTheOrigin() throws {
    // In float32 the norms are 3e4 and the differences 1/64: the product alone cannot see them.
    let rows = (0..<16).map { (i: Int) -> [Double] in
      let (pair, member) = (Double(i / 2) / 16, Double(i % 2) / 64)
      return [100 + pair + member, 100, 100 - member]
    }
    let set = EmbeddingSet(rows, (0..<16).map { $0 / 2 }, dtype: .float32)
    #expect(try evaluate(query: set)["recall@1"] == 1)
  }

  @Test func doesNotDependOnTheScale() throws {
    let (rows, labels) = RetrievalTests.grid(40, classes: 6, seed: 8)
    var options = EvaluationOptions()
    options.metrics.removeAll { $0.hasSuffix("-distance") }
    let plain = try evaluate(query: EmbeddingSet(rows, labels), options: options)
    for scale in [0x1p-500, 0x1p700] {
      let scaled = rows.map { $0.map { $0 * scale } }
      #expect(try evaluate(query: EmbeddingSet(scaled, labels), options: options) == plain)
    }
  }

  @Test func cosineIgnoresLengths() throws {
    var random = Random(seed: 9)
    let labels = (0..<60).map { $0 / 4 }
    let rows = labels.map { _ in (0..<5).map { _ in random.normal() } }
    let stretched = rows.map { row in
      let factor = exp(3 * random.normal())
      return row.map { $0 * factor }
    }
    var options = EvaluationOptions()
    options.distance = .cosine
    let plain = try evaluate(query: EmbeddingSet(rows, labels), options: options)
    let other = try evaluate(query: EmbeddingSet(stretched, labels), options: options)
    #expect(abs(try #require(plain["map"]) - (try #require(other["map"]))) < 1e-9)
    #expect(try evaluate(query: EmbeddingSet(stretched, labels))["map"] != other["map"])
  }

  @Test func givesTheSameBitsForAnyNumberOfThreads() throws {
    var random = Random(seed: 10)
    let labels = (0..<700).map { $0 / 5 }
    let rows = labels.map { label in
      (0..<16).map { Double((label * 7 + $0 * 3) % 11) + random.normal() }
    }
    let set = EmbeddingSet(rows, labels, dtype: .float32)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let results = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      return try evaluate(query: set)
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}
