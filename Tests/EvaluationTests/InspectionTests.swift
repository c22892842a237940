import Autodiff
import Evaluation
import Testing

@Suite struct InspectionTests {
  /// Tight groups in few dimensions.
  private func groups(_ count: Int, of size: Int, width: Int = 6) -> EmbeddingSet {
    var random = Random(seed: 5)
    var values: [Double] = []
    for _ in 0..<count {
      let centre = (0..<width).map { _ in random.normal() }
      for _ in 0..<size { values += centre.map { $0 + 0.1 * random.normal() } }
    }
    return EmbeddingSet(
      embeddings: Tensor(values, shape: [count * size, width]),
      labels: (0..<count * size).map { $0 / size })
  }

  @Test func agreesWithTheMetrics() throws {
    var random = Random(seed: 1)
    let labels = (0..<50).map { $0 % 7 }
    let set = EmbeddingSet(
      embeddings: Tensor(normal: [50, 5], deviation: 1, dtype: .float64, random: &random),
      labels: labels)
    let inspection = try Inspection(set)
    let metrics = try evaluate(query: set)
    for k in [1, 2, 4, 8] { #expect(inspection.recall(at: k) == metrics["recall@\(k)"]) }
    let positives = inspection.steps.reduce(0) { $0 + $1.positives }
    let negatives = inspection.steps.reduce(0) { $0 + $1.negatives }
    #expect(positives + negatives == 50 * 49 / 2)
    let curves = try #require(inspection.classCurves)
    let squares = curves.bands.map { $0.deviation * $0.deviation }
    let opis = try #require(metrics["opis"])
    #expect(abs(squares.reduce(0, +) / Double(squares.count) - opis) < 1e-12)
    let confused = inspection.confusions(labels: labels).reduce(0) { $0 + $1.rows.count }
    let recall = try #require(metrics["recall@1"])
    #expect(confused == 50 - Int((recall * 50).rounded()))
  }

  /// More numbers than rows take another way to the same plane.
  @Test func wideRowsLieInTheSamePlane() {
    var random = Random(seed: 9)
    let wide = Tensor(normal: [20, 33], deviation: 1, dtype: .float64, random: &random)
    let twice = Tensor.concatenated([wide, wide])
    let (found, same) = (principalPlane(wide), principalPlane(twice))
    #expect(abs(found.share - same.share) < 1e-9)
    for (a, b) in zip(found.points, same.points) {
      #expect(abs(a.x - b.x) < 1e-6 && abs(a.y - b.y) < 1e-6)
    }
  }

  @Test func aLateMapEndsWhereItIs() {
    let set = groups(4, of: 10)
    var rounds = 0
    let map = neighborMap(set.embeddings, isLate: { rounds >= 5 }) { done, _ in rounds = done }
    #expect(rounds == 5 && map.count == 40)
    #expect(map.allSatisfy { $0.x.isFinite && $0.y.isFinite })
  }

  @Test func theMapKeepsNeighborsTogether() {
    let set = groups(6, of: 15)
    let points = neighborMap(set.embeddings)
    func nearest(_ i: Int) -> Int {
      points.indices.filter { $0 != i }.min {
        let (a, b) = (points[$0] - points[i], points[$1] - points[i])
        return (a * a).sum() < (b * b).sum()
      } ?? i
    }
    let kept = points.indices.count { set.labels[nearest($0)] == set.labels[$0] }
    #expect(kept > 85)
    let threads = Parallel.threadCount
    defer { Parallel.threadCount = threads }
    Parallel.threadCount = 1
    #expect(neighborMap(set.embeddings) == points)
  }

  @Test func thePlaneHoldsTheWidestDirections() {
    var random = Random(seed: 2)
    // Deviations 3 and 2 along two slanted axes, 0.1 along the third.
    let rows = (0..<200).flatMap { _ -> [Double] in
      let (a, b, c) = (3 * random.normal(), 2 * random.normal(), 0.1 * random.normal())
      return [0.6 * a + 0.8 * b + 5, 0.8 * a - 0.6 * b, c]
    }
    let (points, share) = principalPlane(Tensor(rows, shape: [200, 3]))
    #expect(share > 0.99)
    let spread = points.reduce(SIMD2<Double>.zero) { $0 + $1 * $1 } / 200
    #expect(abs(spread.x.squareRoot() - 3) < 0.5 && abs(spread.y.squareRoot() - 2) < 0.3)
  }

  @Test func degenerateRowsStayFinite() throws {
    for rows in [1, 2, 3, 5, 40] {
      let same = Tensor(repeating: 0.5, shape: [rows, 3], dtype: .float32)
      let points = neighborMap(same) + principalPlane(same).points
      #expect(points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
      let set = EmbeddingSet(embeddings: same, labels: [Int](repeating: 1, count: rows))
      #expect(try Inspection(set).classCurves == nil)
    }
    #expect(
      neighborMap(Tensor([1, 2, 3, 4, 5] as [Float], shape: [5, 1])).allSatisfy { $0.x.isFinite })
  }
}
