import Autodiff
import Files
import Foundation
import Settings
import Testing

import Index

/// Exact search gives the ids and the scores of sums in float64, whatever the numbers are.
@Suite struct ExactnessTests {
  /// Rows that float32 products tell nothing, or little, about.
  enum Kind: String, CaseIterable, Sendable {
    case offset1e3, offset1e4, offset1e6, offset1e8, offset1e10, queriesFarAway, nearDuplicates
    case unitNearDuplicates, tiny, huge, mixedScales, heavyTails, oneOutlier, allEqual, copies
    case wholeNumbers, constantColumns, zeros

    func rows(_ count: Int, _ columns: Int, _ random: inout Random) -> [[Double]] {
      (0..<count).map { i in row(i, columns, &random) }
    }

    private func row(_ i: Int, _ columns: Int, _ random: inout Random) -> [Double] {
      var x = (0..<columns).map { _ in random.normal() }
      func offset(_ size: Double) { for j in x.indices { x[j] += size * Double(1 + j % 3) } }
      switch self {
      case .offset1e3: offset(1e3)
      case .offset1e4: offset(1e4)
      case .offset1e6: offset(1e6)
      case .offset1e8: offset(1e8)
      case .offset1e10: offset(1e10)
      case .queriesFarAway, .wholeNumbers:
        for j in x.indices { x[j] = (2 * x[j]).rounded() }
      case .nearDuplicates:
        for j in x.indices { x[j] = Double(i % 7 + j) + 1e-4 * x[j] }
      case .unitNearDuplicates:
        for j in x.indices { x[j] = (j == i % 5 ? 1 : 0) + 1e-4 * x[j] }
        let length = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for j in x.indices { x[j] /= length }
      case .tiny: for j in x.indices { x[j] *= 1e-30 }
      case .huge: for j in x.indices { x[j] *= 1e18 }
      case .mixedScales:
        let size = pow(10, random.uniform(in: -30...18))
        for j in x.indices { x[j] *= size }
      case .heavyTails: for j in x.indices { x[j] = x[j] / (1e-6 + abs(random.normal())) }
      case .oneOutlier: if i == 3 { for j in x.indices { x[j] *= 1e15 } }
      case .allEqual: x = (0..<columns).map { 1 / Double($0 + 3) }
      case .copies:
        var own = Random(seed: UInt64(i % 40))
        x = (0..<columns).map { _ in own.normal() }
      case .constantColumns: for j in x.indices where j % 4 > 0 { x[j] = 12_345.678 * Double(j) }
      case .zeros: if i % 2 == 0 { x = x.map { _ in 0 } }
      }
      return x
    }
  }

  private static func tensor(_ rows: [[Double]], _ dtype: DType) -> Tensor {
    Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count]).converted(to: dtype)
  }

  private static func values(_ tensor: Tensor) -> [[Double]] {
    let (x, d) = (tensor.elements(as: Double.self), tensor.shape[1])
    return (0..<tensor.shape[0]).map { Array(x[$0 * d..<($0 + 1) * d]) }
  }

  /// Fails unless a search found what a sum in float64 over all rows finds.
  private static func expect(
    _ found: Neighbors, of queries: Tensor, in base: Tensor, _ metric: ExactIndex.Metric,
    count: Int, _ comment: String
  ) {
    let rows = values(base)
    func length(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    for (i, query) in values(queries).enumerated() {
      let expected = ExactIndexTests.bruteForce(rows, query, metric, count: count)
      #expect(found[i].count == expected.count)
      for (one, own) in zip(found[i], expected) {
        // Sums in another order differ in the last digits, of the size of what is summed.
        let size = metric == .l2 ? own.score : length(query) * length(rows[own.id])
        #expect(abs(one.score - own.score) <= 1e-14 * size, "\(comment), query \(i)")
      }
      // Of equal scores the smaller id; of what only the order of a sum tells apart, either.
      for (one, next) in zip(found[i], found[i].dropFirst()) where one.score == next.score {
        #expect(one.id < next.id, "\(comment), query \(i)")
      }
    }
  }

  @Test(arguments: Kind.allCases, [DType.float32, .float64])
  func equalsSumsInFloat64(kind: Kind, dtype: DType) throws {
    var random = Random(seed: 11)
    // Two blocks of rows, and a width that no vector register divides.
    let base = ExactnessTests.tensor(kind.rows(1100, 21, &random), dtype)
    var asked = kind.rows(5, 21, &random)
    if kind == .queriesFarAway { asked = asked.map { $0.map { 1e12 + 1e9 * $0 } } }
    let queries = Tensor.concatenated([
      ExactnessTests.tensor(asked, dtype), base.rows(at: [0, 3, 700, 1099]),
    ])
    for metric in ExactIndex.Metric.allCases {
      let index = try ExactIndex(base, metric: metric)
      for count in [1, 12] {
        let found = try index.search(queries, count: count)
        ExactnessTests.expect(
          found, of: queries, in: base, metric, count: count, "\(kind) \(dtype) \(metric)")
        // Queries of the other precision are their own numbers.
        let other = queries.converted(to: dtype == .float32 ? .float64 : .float32)
        let mixed = try index.search(other, count: count)
        if dtype == .float32 { #expect(mixed == found) }
      }
    }
  }

  @Test(arguments: [DType.float32, .float64]) func cosinesAreThoseOfTheNumbers(dtype: DType) throws
  {
    for kind in Kind.allCases where ![.tiny, .mixedScales].contains(kind) || dtype == .float64 {
      var random = Random(seed: 12)
      let base = ExactnessTests.tensor(kind.rows(1100, 9, &random), dtype)
      let queries = base.rows(at: [0, 3, 500, 1099])
      let found = try ExactIndex(base, metric: .innerProduct, isCosine: true)
        .search(queries, count: 6)
      let rows = ExactnessTests.values(base)
      func cosine(_ a: [Double], _ b: [Double]) -> Double {
        func dot(_ x: [Double], _ y: [Double]) -> Double {
          zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let lengths = dot(a, a).squareRoot() * dot(b, b).squareRoot()
        return lengths > 0 ? dot(a, b) / lengths : 0
      }
      for (i, query) in ExactnessTests.values(queries).enumerated() {
        let best = rows.map { cosine($0, query) }.sorted(by: >).prefix(6)
        for (one, own) in zip(found[i], best) {
          #expect(abs(one.score - own) < 1e-14, "\(kind) \(dtype)")
          #expect(abs(cosine(rows[one.id], query) - own) < 1e-14, "\(kind) \(dtype)")
        }
      }
    }
  }

  @Test func theSecondPassDoesNotDependOnThreads() throws {
    var random = Random(seed: 13)
    let base = ExactnessTests.tensor(Kind.copies.rows(2500, 16, &random), .float32)
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    for metric in ExactIndex.Metric.allCases {
      let index = try ExactIndex(base, metric: metric)
      Parallel.threadCount = 1
      let alone = try index.search(base.rows(at: Array(0..<200)), count: 3)
      Parallel.threadCount = 4
      #expect(try index.search(base.rows(at: Array(0..<200)), count: 3) == alone)
      // Of equal rows the first ones.
      if metric == .l2 {
        #expect((0..<40).allSatisfy { alone[$0].map(\.id) == [$0, $0 + 40, $0 + 80] })
      }
    }
  }

  /// Rows 40 apart are equal; their ids fall as the rows rise.
  @Test func ofEquallyNearRowsTheSmallerIdComesFirst() throws {
    var random = Random(seed: 14)
    let base = ExactnessTests.tensor(Kind.copies.rows(400, 8, &random), .float32)
    let ids = (0..<400).map { 9_007_199_254_740_993 - 2 * $0 }
    let index = IdentifiedIndex(try ExactIndex(base, metric: .l2), ids: ids)
    let found = try index.search(base.rows(at: [5]), count: 3)
    #expect(found[0].map(\.id) == [ids[365], ids[325], ids[285]])
  }

  /// All files that hold vectors as they are, and indexes that compare all of them.
  @Test(arguments: [
    "npy", "csv", "npz", "safetensors", "fvecs", "fbin", "jsonl", "projector", "faiss-flat",
    "faiss-idmap", "faiss-idmap2",
  ])
  func everyFileIsSearchedExactly(format: String) throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var random = Random(seed: 15)
    let base = ExactnessTests.tensor(Kind.offset1e4.rows(1100, 8, &random), .float32)
    let queries = ExactnessTests.tensor(Kind.offset1e4.rows(10, 8, &random), .float32)
    let value: ExportFormat = try allFormats.named(format, kind: "format", at: "test")
    let path = "\(folder)/x.\(value.fileExtension)"
    try value.write(base, to: path)
    let index: any VectorIndex
    var stored = base
    if isVectorFile(path) {
      stored = try readVectors(path)
      index = try ExactIndex(stored, metric: .automatic(for: stored))
    } else {
      index = try openIndex(path)
    }
    #expect(index.metric == .l2)
    let found = try index.search(queries, count: 10)
    ExactnessTests.expect(found, of: queries, in: stored, .l2, count: 10, format)
  }

  /// Digits that float32 has no room for: what text says is what is compared.
  @Test func textKeepsItsDigits() throws {
    let folder = try ShippingTests.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let times = [1_700_000_000.25, 1_700_000_001.5, 1_700_000_003, 1_700_000_003.125]
    try FileSystem.write(times.map { "\($0),0\n" }.joined(), to: folder + "/t.csv")
    try FileSystem.write(
      times.map { "{\"vector\": [\($0), 0]}\n" }.joined(), to: folder + "/t.jsonl")
    for name in ["t.csv", "t.jsonl"] {
      let vectors = try readVectors("\(folder)/\(name)")
      let found = try ExactIndex(vectors, metric: .l2).search(vectors, count: 2)
      #expect((0..<4).map { found[$0][0].id } == [0, 1, 2, 3])
      #expect((0..<4).map { found[$0][1].score } == [1.5625, 1.5625, 0.015625, 0.015625])
    }
  }

  /// The truth that forms are judged by is that of the vectors that were given.
  @Test func formsAreJudgedByTheVectorsThatWereGiven() throws {
    var random = Random(seed: 16)
    func flat(_ kind: Kind) throws -> FormQuality {
      let base = ExactnessTests.tensor(kind.rows(600, 6, &random), .float64)
      var options = ExportOptions()
      options.labels = (0..<600).map { $0 % 30 }
      return try FormMeasurement(base, options, name: "test")
        .measured([try ExportForm("flat", at: "test")])[0]
    }
    let near = try flat(.offset1e3)
    #expect(near.recallAt1 > 0.98 && near.problem == nil, "\(near)")
    #expect(abs(near.shift?.falseRejects ?? 9) < 0.01)
    let far = try flat(.offset1e10)
    #expect(far.recallAt1 < 0.2, "\(far)")
  }
}
