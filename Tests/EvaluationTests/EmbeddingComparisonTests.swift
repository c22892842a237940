import Autodiff
import Evaluation
import Testing

@Suite struct EmbeddingComparisonTests {
  /// 12 classes of 10 rows around centres that lie `distance` apart or so.
  private func set(distance: Double, seed: UInt64) -> EmbeddingSet {
    var random = Random(seed: seed)
    var values: [Double] = []
    for _ in 0..<12 {
      let centre = (0..<6).map { _ in distance * random.normal() }
      for _ in 0..<10 { values += centre.map { $0 + random.normal() } }
    }
    return EmbeddingSet(
      embeddings: Tensor(values, shape: [120, 6]), labels: (0..<120).map { $0 / 10 })
  }

  private func compare(_ a: EmbeddingSet, _ b: EmbeddingSet) throws -> EmbeddingComparison {
    try EmbeddingComparison(base: (a, Inspection(a)), other: (b, Inspection(b)))
  }

  @Test func itsNumbersAreThoseOfTheMetrics() throws {
    let (a, b) = (set(distance: 0.5, seed: 1), set(distance: 2, seed: 1))
    let lines = try compare(a, b).lines
    #expect(
      lines.map(\.name) == [
        "recall@1", "r-precision", "map@r", "opis", EmbeddingComparison.falseRejects,
      ])
    let (before, after) = (try evaluate(query: a), try evaluate(query: b))
    for line in lines.dropLast() {
      #expect(abs(line.base - (before[line.name] ?? .nan)) < 1e-12, "\(line)")
      #expect(abs(line.other - (after[line.name] ?? .nan)) < 1e-12, "\(line)")
      #expect(line.interval.contains(line.change), "\(line)")
    }
    #expect(lines.map(\.isLowerBetter) == [false, false, false, true, true])
  }

  /// The share of matching pairs beyond the distance that 1 % of the others do not exceed, pair by pair.
  @Test func falseRejectsAgreeWithPlainCounting() throws {
    let b = set(distance: 2, seed: 3)
    let line = try #require(try compare(b, b).lines.last)
    let rows = b.embeddings.elements(as: Double.self)
    var (positives, negatives): ([Double], [Double]) = ([], [])
    for i in 0..<120 {
      for j in 0..<i {
        let square = (0..<6).reduce(0.0) {
          $0 + (rows[i * 6 + $1] - rows[j * 6 + $1]) * (rows[i * 6 + $1] - rows[j * 6 + $1])
        }
        if b.labels[i] == b.labels[j] {
          positives.append(square.squareRoot())
        } else {
          negatives.append(square.squareRoot())
        }
      }
    }
    negatives.sort()
    let place = 0.01 * Double(negatives.count - 1)
    let (low, high) = (negatives[Int(place)], negatives[Int(place) + 1])
    let threshold = low + (place - Double(Int(place))) * (high - low)
    let refused = Double(positives.count { $0 > threshold }) / Double(positives.count)
    #expect(abs(line.base - refused) < 1e-12 && abs(line.other - refused) < 1e-12)
  }

  @Test func betterWorseAndUnclearAreTold() throws {
    let (near, far) = (set(distance: 0.5, seed: 1), set(distance: 4, seed: 2))
    #expect(try compare(near, far).lines.allSatisfy { $0.verdict == .better })
    #expect(try compare(far, near).lines.allSatisfy { $0.verdict == .worse })
    for line in try compare(near, near).lines {
      #expect(line.change == 0 && line.interval == 0...0 && line.verdict == .unclear, "\(line)")
    }
    let other = try compare(set(distance: 1, seed: 4), set(distance: 1, seed: 5))
    #expect(other.lines.contains { $0.verdict == .unclear })
  }

  /// One class, no class with a pair: what cannot be told is left out, and nothing is no number.
  @Test func degenerateSetsAreDefined() throws {
    for labels in [[0, 0, 0, 0], [0, 1, 2, 3], [0, 0, 1, 2], [0, 0, 1, 1]] {
      for values in [[1.0, 2, 3, 4], [0, 0, 0, 0]] {
        let set = EmbeddingSet(embeddings: Tensor(values, shape: [4, 1]), labels: labels)
        for line in try compare(set, set).lines {
          #expect(line.base.isFinite && line.change == 0 && line.verdict == .unclear, "\(line)")
        }
      }
    }
  }

  @Test func theSameBitsForAnyNumberOfThreads() throws {
    let before = Parallel.threadCount
    defer { Parallel.threadCount = before }
    let (a, b) = (set(distance: 0.5, seed: 1), set(distance: 1, seed: 1))
    var found: [[ClosedRange<Double>]] = []
    for threads in [1, 3] {
      Parallel.threadCount = threads
      found.append(try compare(a, b).lines.map(\.interval))
    }
    #expect(found[0] == found[1])
  }
}
