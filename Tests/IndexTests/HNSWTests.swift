import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

@Suite struct HNSWTests {
  /// Unit vectors in clusters, of which some are equal.
  static func vectors(_ count: Int, _ columns: Int = 12, seed: UInt64 = 1) -> Tensor {
    var random = Random(seed: seed)
    var rows: [Float] = []
    let centers = (0..<20 * columns).map { _ in random.normal() }
    for i in 0..<count {
      let cluster = random.below(20)
      for j in 0..<columns {
        let copied = i % 10 == 9 && i > 9
        let value = centers[cluster * columns + j] + 0.4 * random.normal()
        rows.append(copied ? rows[(i - 9) * columns + j] : Float(value))
      }
    }
    return Tensor(rows, shape: [count, columns]).normalizedRows()
  }

  static let small: HNSWSettings = {
    var settings = HNSWSettings()
    (settings.links, settings.efConstruction) = (8, 60)
    return settings
  }()

  static func temporary(_ bytes: [UInt8]) throws -> String {
    let path = NSTemporaryDirectory() + "kindred-\(UUID().uuidString).index"
    try FileSystem.write(bytes, to: path)
    return path
  }

  /// The share of neighbours at least as near as the farthest true one: equal vectors stand for
  /// each other.
  static func recall(_ found: Neighbors, _ truth: Neighbors, _ metric: ExactIndex.Metric) -> Double
  {
    let k = truth.countPerQuery
    let sign = metric == .l2 ? 1.0 : -1.0
    var hits = 0
    for query in 0..<truth.scores.count / k {
      let limit = sign * truth.scores[query * k + k - 1] + 1e-5
      hits += found[query].filter { sign * $0.score <= limit }.count
    }
    return Double(hits) / Double(max(1, truth.scores.count))
  }

  @Test(arguments: ExactIndex.Metric.allCases, HNSWOrder.allCases)
  func findsWhatExactSearchFinds(metric: ExactIndex.Metric, order: HNSWOrder) throws {
    let all = HNSWTests.vectors(2700)
    let (base, queries) = (
      all.rows(at: Array(0..<2500)), all.rows(at: Array(2500..<2700))
    )
    var settings = HNSWTests.small
    settings.order = order
    let index = try HNSWIndex(
      base, metric: metric, settings: settings, labels: (0..<2500).map { $0 * 7 % 13 })
    let truth = try ExactIndex(base, metric: metric).search(queries, count: 10)
    #expect(HNSWTests.recall(try index.search(queries, count: 10, ef: 80), truth, metric) > 0.98)
    try index.check(at: "built")
    let alone = try index.search(base, count: 1, ef: 60)
    #expect(alone.scores.filter { abs($0 - (metric == .l2 ? 0 : 1)) < 1e-5 }.count > 2480)
  }

  @Test func isTheSameBitsOnAnyNumberOfThreads() throws {
    let base = HNSWTests.vectors(1500)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let files = try [1, 2, 5].map { threads in
      Parallel.threadCount = threads
      return try HNSWIndex(base, metric: .l2, settings: HNSWTests.small).bytes()
    }
    #expect(files[0] == files[1] && files[0] == files[2])
  }

  @Test func growsAndForgets() throws {
    let base = HNSWTests.vectors(900)
    let rows = Array(0..<900)
    let first = try HNSWIndex(
      base.rows(at: Array(rows[..<500])), metric: .l2, settings: HNSWTests.small)
    var index = try first.adding(base.rows(at: Array(rows[500...])))
    #expect(first.count == 500 && index.count == 900)
    let truth = try ExactIndex(base, metric: .l2).search(base, count: 5)
    #expect(HNSWTests.recall(try index.search(base, count: 5, ef: 60), truth, .l2) > 0.98)
    let gone = rows.filter { $0 % 3 != 0 }
    try index.delete(gone)
    #expect(index.liveCount == 300)
    let kept = rows.filter { $0 % 3 == 0 }
    let left = try ExactIndex(base.rows(at: kept), metric: .l2).search(base, count: 5)
    let found = try index.search(base, count: 5, ef: 40)
    #expect(found.ids.allSatisfy { $0 % 3 == 0 })
    #expect(HNSWTests.recall(found, left, .l2) > 0.98)
    let path = try HNSWTests.temporary(index.bytes())
    #expect(try HNSWIndex.read(path).search(base, count: 5, ef: 40) == found)
    try index.delete(rows)
    #expect(try index.search(base, count: 5, ef: 40).countPerQuery == 0)
    #expect(throws: Failure.self) { try index.delete([900]) }
  }

  /// Copies of few vectors, none at all, one, and zeros.
  @Test func survivesWhatIsNoSpace() throws {
    for (count, columns) in [(0, 3), (1, 3), (2, 1), (600, 2)] {
      let values = (0..<count * columns).map { Float($0 / columns % 3) }
      let base = Tensor(values, shape: [count, columns])
      for metric in ExactIndex.Metric.allCases {
        let index = try HNSWIndex(base, metric: metric, settings: HNSWTests.small)
        let found = try index.search(
          Tensor([Float](repeating: 1, count: columns), shape: [1, columns]), count: 300, ef: 10)
        #expect(found.countPerQuery == min(300, count))
        #expect(Set(found.ids).count == found.ids.count)
        let path = try HNSWTests.temporary(index.bytes())
        #expect(try HNSWIndex.read(path).bytes() == index.bytes())
      }
    }
  }

  @Test func filesOfEveryKindAreReadBack() throws {
    let (base, queries) = (HNSWTests.vectors(700, 8), HNSWTests.vectors(40, 8, seed: 4))
    let graph = try HNSWIndex(base, metric: .innerProduct, settings: HNSWTests.small)
    let exact = try ExactIndex(base, metric: .innerProduct)
    let matrix = Tensor((0..<40).map { Float(($0 * 7) % 11) / 11 - 0.4 }, shape: [8, 5])
    let product = try ProductIndex(base, metric: .innerProduct, parts: 4)
    let all: [any VectorIndex] = [
      exact, graph, try ScalarIndex(base, metric: .l2), product,
      try InvertedIndex(base, metric: .innerProduct, lists: 9),
      IdentifiedIndex(graph, ids: (0..<700).map { 3 * $0 - 50 }),
      TransformedIndex(
        [.linear(matrix, bias: Array(repeating: 0.25, count: 8)), .unitLength(8)], exact),
      RefinedIndex(product, exact: exact, factor: 20),
    ]
    for index in all {
      let path = try HNSWTests.temporary(FaissFile.bytes(index))
      let read = try openIndex(path)
      #expect(try FaissFile.bytes(read) == FileSystem.read(path))
      var random = Random(seed: 3)
      let asked =
        index.dimension == 8
        ? queries : Tensor(normal: [40, 5], deviation: 1, dtype: .float32, random: &random)
      let found = try read.search(asked, count: 7)
      #expect(try index.search(asked, count: 7) == found)
    }
    let refined = try all[7].search(queries, count: 7)
    #expect(HNSWTests.recall(refined, try exact.search(queries, count: 7), .innerProduct) > 0.9)
    let path = try HNSWTests.temporary(HNSWLibrary.bytes(graph, ids: (0..<700).map { 2 * $0 }))
    let read = try #require(try openIndex(path) as? IdentifiedIndex)
    let ours = try graph.search(queries, count: 7, ef: 64)
    #expect(try read.search(queries, count: 7).ids == ours.ids.map { 2 * $0 })
  }

  /// A changed byte anywhere gives a failure or an index that is searched without a trap.
  @Test func damagedFilesAreRefused() throws {
    let base = HNSWTests.vectors(60, 3)
    let graph = try HNSWIndex(base, metric: .l2, settings: HNSWTests.small)
    let product = try ProductIndex(base, metric: .l2, parts: 3)
    let files: [(bytes: [UInt8], isSealed: Bool)] = [
      (try graph.bytes(), true), (HNSWLibrary.bytes(graph), false),
      (try FaissFile.bytes(graph), false), (try FaissFile.bytes(product), false),
      (try FaissFile.bytes(try InvertedIndex(base, metric: .l2)), false),
      (try FaissFile.bytes(try ScalarIndex(base, metric: .l2)), false),
    ]
    var random = Random(seed: 6)
    for (bytes, isSealed) in files {
      for _ in 0..<120 {
        var damaged = bytes
        let place = random.below(min(bytes.count, 4000))
        damaged[place] ^= UInt8(1 + random.below(255))
        if random.below(4) == 0 { damaged.removeLast(1 + random.below(bytes.count - 1)) }
        let path = try HNSWTests.temporary(damaged)
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let index = try? openIndex(path, metric: .l2), index.dimension < 100 else { continue }
        let padding = place >= 124 && place < 128
        #expect(!isSealed || padding, "byte \(place) was changed and nobody saw it")
        _ = try? index.search(
          Tensor([Float](repeating: 0, count: index.dimension), shape: [1, index.dimension]),
          count: 5)
      }
    }
  }
}
