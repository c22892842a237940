import Autodiff
import Foundation
import Testing

import Evaluation

/// Numbers of the reference implementations, on 12 rows of 3 columns.
@Suite struct SpaceFixtureTests {
  static let rows: [[Double]] = [
    [0.8595999293029308, 0.5867178933694959, -0.15246539376676083],
    [-0.3565370487049222, -0.6531776562333107, 0.6531838634982705],
    [-0.8416479621082544, 0.8903703903779387, -0.5213317833840847],
    [-0.6673636613413692, -0.24920651130378246, -0.3769772769883275],
    [-0.1751955896615982, -0.04832651372998953, -0.6387337613850832],
    [0.8153798719868064, -0.7963992096483707, -0.9529167069122195],
    [0.7071803752332926, -0.9652297096326947, 0.49340952187776566],
    [-0.5797130754217505, -0.4537250343710184, -0.4665563041344285],
    [-0.26318688318133354, 0.1253758342936635, 0.49766297824680805],
    [-0.6325324447825551, 0.22534123063087463, -0.6717573767527938],
    [-0.18790504522621632, -0.019532681442797184, 0.25215620920062065],
    [0.9743056492879987, -0.7210585679858923, -0.3102895962074399],
  ]
  private var set: EmbeddingSet {
    EmbeddingSet(SpaceFixtureTests.rows, Array(0..<12))
  }

  @Test func isoScoreAndLocalDimensionEqualTheReference() throws {
    let iso = try #require(try evaluate(query: set)["isoscore"])
    #expect(abs(iso - 0.7423736577477507) < 1e-12)
    let rows = LabeledRows<Double>.prepare([set], distance: .euclidean)[0]
    let dimension = try #require(localDimension(rows, neighbors: 5))
    #expect(abs(dimension - 3.7302447816899225) < 1e-9)
  }

  @Test func equalDirectionsDecayNotAtAll() throws {
    func decay(_ lengths: [Double]) throws -> Double? {
      let rows = lengths.indices.map { i in lengths.indices.map { $0 == i ? lengths[i] : 0 } }
      return try evaluate(query: EmbeddingSet(rows, Array(lengths.indices)))["spectral-decay"]
    }
    #expect(abs(try #require(try decay([2, 2, 2, 2]))) < 1e-9)
    // Shares 1/2, 1/4, 1/4 against 1/3 each.
    let expected = (log(2.0 / 3) + 2 * log(4.0 / 3)) / 3
    #expect(abs(try #require(try decay([2, 1, 1])) - expected) < 1e-9)
  }

  @Test func aTurnedCloudIsNoOther() throws {
    let (sine, cosine) = (0.6, 0.8)
    let turned = SpaceFixtureTests.rows.map { row in
      [cosine * row[0] - sine * row[1] + 3, sine * row[0] + cosine * row[1] - 1, -row[2]]
    }
    let found = try SpaceDistance(set.embeddings, EmbeddingSet(turned, Array(0..<12)).embeddings)
    #expect(found.procrustes < 1e-12 && found.alignedHausdorff < 1e-12)
    #expect(found.hausdorff > 1)
    let moved = SpaceFixtureTests.rows.map { row in [row[0], row[1], row[2] * 1.5] }
    #expect(
      try SpaceDistance(set.embeddings, EmbeddingSet(moved, Array(0..<12)).embeddings).procrustes
        > 0.1)
    let same = EmbeddingSet([[1, 2], [1, 2]], [0, 1]).embeddings
    #expect(try SpaceDistance(same, same).procrustes == 0)
    #expect(throws: (any Error).self) { try SpaceDistance(same, set.embeddings) }
  }

  @Test func compatibilityCountsWhatIsBetter() {
    let matrix = Compatibility(matrix: [[0.5], [0.6, 0.7], [0.4, 0.7, 0.8]])
    #expect(abs(matrix.averageCompatibility - 1.0 / 3) < 1e-15)
    #expect(abs(matrix.averageAccuracy - 3.7 / 6) < 1e-15)
    #expect(abs(matrix.backwardGain! - ((0.4 - 0.5) + 0) / 2) < 1e-15)
    #expect(Compatibility(matrix: [[0.3]]).averageCompatibility == 1)
  }

  @Test func aModelIsCompatibleWithItsOwnCopy() throws {
    let labels = (0..<12).map { $0 / 3 }
    let model = EmbeddingSet(embeddings: set.embeddings, labels: labels)
    let found = try Compatibility([model, model])
    let recall = try evaluate(
      query: EmbeddingSet(embeddings: set.embeddings.converted(to: .float32), labels: labels))[
        "recall@1"]
    #expect(found.matrix.flatMap { $0 }.allSatisfy { $0 == recall })
  }
}
