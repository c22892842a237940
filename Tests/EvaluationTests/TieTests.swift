import Autodiff
import Settings
import Testing

import Evaluation

/// Distances that tie, as those of a collapsed model or of coarse codes do, take no longer than others
/// and give the same numbers.
@Suite struct TieTests {
  enum Kind: String, CaseIterable, Sendable {
    case constant, binary, integers, codes, copies, outlier
  }

  /// Rows of four columns with few different distances.
  static func rows(_ kind: Kind, _ count: Int) -> [[Double]] {
    var random = Random(seed: 21)
    return (0..<count).map { i in
      switch kind {
      case .constant: [0.5, -0.25, 1, 0]
      case .binary: (0..<4).map { _ in Double(random.below(2)) }
      case .integers: (0..<4).map { _ in Double(random.below(8)) }
      // As 16-bit floats have them: 11 significant bits.
      case .codes: (0..<4).map { _ in (random.normal() * 256).rounded() / 256 }
      case .copies: i % 10 == 0 ? (0..<4).map { _ in random.normal() } : [1, 1, 1, 1]
      case .outlier: i == 0 ? [1e9, 0, 0, 0] : (0..<4).map { _ in Double(random.below(2)) }
      }
    }
  }

  /// Labels of classes of 2, which are judged in tiles, or of two classes, judged row by row.
  static func labels(_ count: Int, isFew: Bool) -> [Int] {
    (0..<count).map { isFew ? $0 % 2 : $0 / 2 }
  }

  private static func set(
    _ kind: Kind, _ count: Int, isFew: Bool, _ dtype: DType = .float32
  ) -> EmbeddingSet {
    EmbeddingSet(rows(kind, count), labels(count, isFew: isFew), dtype: dtype)
  }

  @Test(arguments: Kind.allCases, [true, false])
  func equalBruteForce(kind: Kind, isFew: Bool) throws {
    // Exact in both precisions, but for those whose squares need more bits than float32 has.
    let isExact = [Kind.constant, .binary, .integers].contains(kind)
    for dtype in isExact ? DType.allCases : [.float64] {
      let set = TieTests.set(kind, 60, isFew: isFew, dtype)
      try RetrievalTests.check(
        try evaluate(query: set), Oracle(TieTests.rows(kind, 60), set.labels),
        tolerance: kind == .outlier ? 1e-5 : 1e-9)
    }
  }

  @Test func sumsOverEqualValuesAreExact() {
    var random = Random(seed: 5)
    for (count, levels) in [(1, 1), (7, 1), (64, 1), (65, 2), (1000, 1), (1000, 3), (999, 400)] {
      let values = (0..<count).map { _ in Float(random.below(levels)) }.sorted()
      let line = (0..<100).map { _ in Float(random.below(levels + 2)) - 1 } + [.infinity]
      let expected = line.reduce(0) { sum, x in
        guard x < .infinity else { return sum }
        return sum + values.count { $0 < x } * 2 + values.count { $0 == x }
      }
      #expect(Ladder(values).twiceBelow(LineKernels<Float>(), line, line.count) == expected)
      let (wide, wideLine) = (values.map { Double($0) }, line.map { Double($0) })
      #expect(Ladder(wide).twiceBelow(LineKernels<Double>(), wideLine, line.count) == expected)
    }
  }

  /// Against data without ties on the same machine: what walks over equals takes hundreds of times
  /// as long at these sizes, and more the larger they are.
  @Test(.timeLimit(.minutes(5)), arguments: Kind.allCases, [true, false])
  func takeNoLongerThanOthers(kind: Kind, isFew: Bool) throws {
    var options = EvaluationOptions()
    options.clusteringLimit = 0
    func seconds(_ set: EmbeddingSet, gallery: EmbeddingSet? = nil) throws -> Double {
      let start = ContinuousClock.now
      _ = try evaluate(query: set, gallery: gallery, options: options)
      return (ContinuousClock.now - start) / .seconds(1)
    }
    // Other tests run beside this one: one quiet try is enough.
    func isQuick(_ data: [EmbeddingSet], than other: [EmbeddingSet]) throws -> Bool {
      let limit = try 8 * seconds(other[0], gallery: other.dropFirst().first) + 1
      for _ in 0..<3 where try seconds(data[0], gallery: data.dropFirst().first) < limit {
        return true
      }
      return false
    }
    for count in [800, 1600] {
      var random = Random(seed: 3)
      let plain = EmbeddingSet(
        (0..<count).map { _ in (0..<4).map { _ in random.normal() } },
        TieTests.labels(count, isFew: isFew), dtype: .float32)
      let set = TieTests.set(kind, count, isFew: isFew)
      #expect(try isQuick([set], than: [plain]))
      #expect(try isQuick([set, set], than: [plain, plain]))
    }
  }

  /// Grades that tie, and relevant items that are many, take no longer either.
  @Test func relevanceOfAllItemsIsQuick() throws {
    let count = 700
    let labels = (0..<count).map { [$0 / 2, $0 % 3 == 0 ? 1 : 0, 0] }
    let rows = Tensor(TieTests.rows(.binary, count).flatMap { $0 }, shape: [count, 4])
    let start = ContinuousClock.now
    let found = try evaluateRelevance(rows, .levels(labels))
    #expect(ContinuousClock.now - start < .seconds(20))
    #expect(try #require(found["h-ap"]) <= 1 && found.loneQueries == 0)
  }

  @Test func sharedGradesAreSumsOfMinima() {
    var random = Random(seed: 9)
    for levels in [1, 2, 3, 17, 64, 1000] {
      let grades = (0..<200).map { _ in Double(1 + random.below(levels)) / 8 }
      var shared = SharedGrades(grades)
      for (i, grade) in grades.enumerated() {
        #expect(shared.add(grade) == grades[...i].reduce(0) { $0 + min($1, grade) })
      }
    }
  }
}
