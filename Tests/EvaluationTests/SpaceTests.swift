import Autodiff
import Foundation
import Geometry
import Testing

import Evaluation

@Suite struct SpaceTests {
  @Test(arguments: DType.allCases) func equalsBruteForce(dtype: DType) throws {
    let (rows, labels) = CalibrationTests.blobs(classes: 12, perClass: 4, seed: 9)
    let result = try evaluate(query: EmbeddingSet(rows, labels, dtype: dtype))
    let unit = rows.map { row in
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return row.map { $0 / norm }
    }
    var (aligned, matching, potential, cosine, pairs) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for i in rows.indices {
      for j in rows.indices where j > i {
        let square = zip(unit[i], unit[j]).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
        if labels[i] == labels[j] {
          aligned += square
          matching += 1
        }
        potential += exp(-2 * square)
        cosine += zip(unit[i], unit[j]).reduce(0) { $0 + $1.0 * $1.1 }
        pairs += 1
      }
    }
    let expected = [
      "alignment": aligned / matching, "uniformity": log(potential / pairs),
      "mean-cosine": cosine / pairs,
    ]
    for (name, value) in expected {
      let found = try #require(result[name])
      #expect(abs(found - value) < (dtype == .float64 ? 1e-12 : 1e-5), "\(name): \(found)")
    }
  }

  @Test func effectiveRankCountsDirections() throws {
    // Orthogonal rows of lengths s have the singular values s.
    func rank(_ lengths: [Double]) throws -> Double? {
      let rows = lengths.indices.map { i in lengths.indices.map { $0 == i ? lengths[i] : 0 } }
      return try evaluate(query: EmbeddingSet(rows, Array(lengths.indices)))["effective-rank"]
    }
    #expect(abs(try #require(try rank([3, 3, 3, 3, 3])) - 5) < 1e-9)
    #expect(abs(try #require(try rank([2, 0, 0])) - 1) < 1e-9)
    // Shares 1/2, 1/4, 1/4: entropy 1.5 log 2.
    #expect(abs(try #require(try rank([2, 1, 1])) - pow(2, 1.5)) < 1e-9)
    #expect(try rank([0, 0]) == nil)
  }

  @Test func collapseShows() throws {
    let rows = (0..<8).map { _ in [1.0, 2, 3] }
    let result = try evaluate(query: EmbeddingSet(rows, (0..<8).map { $0 / 2 }))
    #expect(abs(try #require(result["mean-cosine"]) - 1) < 1e-12)
    #expect(abs(try #require(result["uniformity"])) < 1e-12)
    #expect(abs(try #require(result["effective-rank"]) - 1) < 1e-9)
    #expect(result["alignment"] == 0 && result["intra-distance"] == 0)
  }

  /// Q diag(v) Qᵀ has the eigenvalues v for any rotation Q.
  @Test(arguments: [1, 2, 3, 10, 40]) func eigenvaluesOfRotatedDiagonals(size: Int) {
    var random = Random(seed: UInt64(size))
    let values = (0..<size).map { Double($0 % 7) + ($0 > 20 ? 1e-6 * random.normal() : 0) }
    var matrix = [Double](repeating: 0, count: size * size)
    for i in 0..<size { matrix[i * size + i] = values[i] }
    for _ in 0..<(size > 1 ? 200 : 0) {
      let i = random.below(size)
      let j = (i + 1 + random.below(size - 1)) % size
      let angle = random.uniform() * 7
      let (c, s) = (cos(angle), sin(angle))
      for k in 0..<size {
        let (a, b) = (matrix[k * size + i], matrix[k * size + j])
        (matrix[k * size + i], matrix[k * size + j]) = (c * a - s * b, s * a + c * b)
      }
      for k in 0..<size {
        let (a, b) = (matrix[i * size + k], matrix[j * size + k])
        (matrix[i * size + k], matrix[j * size + k]) = (c * a - s * b, s * a + c * b)
      }
    }
    let found = SymmetricEigen(matrix, size: size, findsVectors: false).values.sorted()
    for (a, b) in zip(found, values.sorted()) { #expect(abs(a - b) < 1e-12) }
  }

  @Test func clusteringF1() {
    // Clusters {0,1,2}, {3,4}: 4 pairs; labels {0,1}, {2,3,4}: 4 pairs; shared: (0,1), (3,4).
    let table = Contingency(labels: [0, 0, 1, 1, 1], clusters: [0, 0, 0, 1, 1])
    #expect(table.pairF1 == 0.5)
    #expect(Contingency(labels: [0, 1], clusters: [0, 1]).pairF1 == 0)
  }
}
