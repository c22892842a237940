import Autodiff
import Index
import Settings
import Testing

@Suite struct ExactIndexTests {
  /// Every vector's score, sorted in the plainest way.
  static func bruteForce(
    _ base: [[Double]], _ query: [Double], _ metric: ExactIndex.Metric, count: Int
  ) -> [(id: Int, score: Double)] {
    let scores: [Double] = base.map { row in
      var sum = 0.0
      for (x, y) in zip(row, query) {
        sum += metric == .innerProduct ? x * y : (x - y) * (x - y)
      }
      return sum
    }
    let order = scores.indices.sorted { i, j in
      if scores[i] == scores[j] { return i < j }
      return metric == .l2 ? scores[i] < scores[j] : scores[i] > scores[j]
    }
    return order.prefix(count).map { ($0, scores[$0]) }
  }

  static func tensor(_ rows: [[Double]], columns: Int) -> Tensor {
    Tensor(rows.flatMap { $0.map { Float($0) } }, shape: [rows.count, columns])
  }

  /// Whole numbers, so that scores are exact and many are equal; sizes around those of blocks.
  @Test(
    arguments: ExactIndex.Metric.allCases,
    [(1, 1, 3, 1), (37, 5, 9, 8), (2100, 3, 8, 101), (50, 520, 11, 60), (20, 2, 1, 20)])
  func equalsBruteForce(
    metric: ExactIndex.Metric, sizes: (base: Int, queries: Int, columns: Int, count: Int)
  ) throws {
    var random = Random(seed: 3)
    func rows(_ count: Int) -> [[Double]] {
      (0..<count).map { _ in (0..<sizes.columns).map { _ in Double(random.below(7) - 3) } }
    }
    let (base, queries) = (rows(sizes.base), rows(sizes.queries))
    let index = try ExactIndex(
      ExactIndexTests.tensor(base, columns: sizes.columns), metric: metric)
    let found = try index.search(
      ExactIndexTests.tensor(queries, columns: sizes.columns), count: sizes.count)
    #expect(found.countPerQuery == min(sizes.count, sizes.base))
    for (i, query) in queries.enumerated() {
      let expected = ExactIndexTests.bruteForce(base, query, metric, count: sizes.count)
      #expect(found[i].map(\.id) == expected.map(\.id), "query \(i)")
      #expect(found[i].map(\.score) == expected.map(\.score), "query \(i)")
    }
  }

  @Test func doesNotDependOnThreadsOrOnTheOtherQueries() throws {
    var random = Random(seed: 5)
    let base = Tensor(normal: [3000, 20], deviation: 1, dtype: .float32, random: &random)
    let index = try ExactIndex(base, metric: .l2)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    Parallel.threadCount = 1
    let alone = try index.search(base, count: 5)
    Parallel.threadCount = 4
    #expect(try index.search(base, count: 5) == alone)
    let last = base.withElements(of: Float.self) { Tensor(Array($0.suffix(20)), shape: [1, 20]) }
    let single = try index.search(last, count: 5)
    #expect(single.ids == Array(alone.ids.suffix(5)))
    #expect(single.scores == Array(alone.scores.suffix(5)))
    #expect((0..<3000).allSatisfy { alone[$0][0].id == $0 && alone[$0][0].score == 0 })
  }

  @Test func refusesWhatCannotBeSearched() throws {
    let good = Tensor([Float](repeating: 1, count: 6), shape: [3, 2])
    let index = try ExactIndex(good, metric: .l2)
    #expect(throws: Failure.self) { try index.search(good, count: 0) }
    #expect(throws: Failure.self) {
      try index.search(Tensor([Float(1)], shape: [1, 1]), count: 1)
    }
    #expect(throws: Failure.self) {
      try index.search(Tensor([Float.nan, 1], shape: [1, 2]), count: 1)
    }
    #expect(throws: Failure.self) {
      try ExactIndex(Tensor([1e300, 1], shape: [1, 2]), metric: .l2)
    }
    let empty = try ExactIndex(Tensor([Float](), shape: [0, 2]), metric: .l2)
    #expect(try empty.search(good, count: 3).countPerQuery == 0)
  }

  @Test(arguments: ExactIndex.Metric.allCases) func survivesOverflow(
    metric: ExactIndex.Metric
  ) throws {
    let huge = Tensor([3e38, -3e38, 3e38, 3e38, 1, 1], shape: [3, 2])
    let found = try ExactIndex(huge, metric: metric).search(huge, count: 3)
    for query in 0..<3 { #expect(Set(found[query].map(\.id)) == [0, 1, 2]) }
  }
}
