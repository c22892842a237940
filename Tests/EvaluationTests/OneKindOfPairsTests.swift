import Autodiff
import Evaluation
import Testing

/// Numbers that need one kind of pairs only are there without the other.
@Suite struct OneKindOfPairsTests {
  private let rows: [[Double]] = [[0, 0], [3, 4], [6, 8]]

  @Test(arguments: DType.allCases) func matchingPairsOnly(dtype: DType) throws {
    let found = try evaluate(query: EmbeddingSet(rows, [7, 7, 7], dtype: dtype))
    #expect(found["intra-distance"] == 20.0 / 3)
    #expect(found["inter-distance"] == nil && found["auc"] == nil)
    let entry = try #require(found.entries.first { $0.name == "inter-distance" })
    #expect(entry.reason == "there is no such pair")
  }

  @Test(arguments: DType.allCases) func otherPairsOnly(dtype: DType) throws {
    let found = try evaluate(query: EmbeddingSet(rows, [1, 2, 3], dtype: dtype))
    #expect(found["inter-distance"] == 20.0 / 3)
    #expect(found["intra-distance"] == nil && found["auc"] == nil)
  }

  @Test(arguments: DType.allCases) func oneKindWithGallery(dtype: DType) throws {
    let (query, gallery) = ([rows[0]], [rows[1], rows[2]])
    for (label, name, other) in [
      (4, "intra-distance", "inter-distance"), (5, "inter-distance", "intra-distance"),
    ] {
      let found = try evaluate(
        query: EmbeddingSet(query, [4], dtype: dtype),
        gallery: EmbeddingSet(gallery, [label, label], dtype: dtype))
      #expect(found[name] == 7.5 && found[other] == nil)
    }
  }

  @Test func onePairOnly() throws {
    var options = EvaluationOptions()
    options.metrics = ["intra-distance", "inter-distance"]
    let pair = Array(rows[1...])
    let same = try evaluate(query: EmbeddingSet(pair, [0, 0]), options: options)
    #expect(same["intra-distance"] == 5 && same["inter-distance"] == nil)
    let alone = try evaluate(query: EmbeddingSet([rows[1]], [0]), options: options)
    #expect(alone["intra-distance"] == nil && alone["inter-distance"] == nil)
    // Pairs of one class and group count for nothing.
    let excluded = try evaluate(
      query: EmbeddingSet(pair, [0, 0], groups: [1, 1]), options: options)
    #expect(excluded["intra-distance"] == nil)
  }
}
