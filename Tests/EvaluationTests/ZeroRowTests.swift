import Autodiff
import Evaluation
import Testing

/// A row of zeros has cosine 0 with every other row, as in scikit-learn and PyTorch.
@Suite struct ZeroRowTests {
  /// Few different cosines, many of them 0, all exact.
  private static func rows(_ count: Int) -> [[Double]] {
    var random = Random(seed: 31)
    return (0..<count).map { _ in
      var row = [0.0, 0, 0, 0]
      switch random.below(4) {
      case 0: break
      case 1: row[random.below(4)] = [2, -4][random.below(2)]
      case 2: row = row.map { _ in [0.5, -0.5][random.below(2)] }
      default: row = row.map { _ in [8, -8][random.below(2)] }
      }
      return row
    }
  }

  /// The rank of each match by cosine, equal ones by row.
  private static func averagePrecision(_ rows: [[Double]], _ labels: [Int]) -> (Double, Double) {
    func cosine(_ i: Int, _ j: Int) -> Double {
      let lengths = [i, j].map { rows[$0].reduce(0) { $0 + $1 * $1 }.squareRoot() }
      guard lengths[0] > 0, lengths[1] > 0 else { return 0 }
      return zip(rows[i], rows[j]).reduce(0) { $0 + $1.0 * $1.1 } / lengths[0] / lengths[1]
    }
    let matches = rows.indices.compactMap { i -> [Bool]? in
      let order = rows.indices.filter { $0 != i }.sorted {
        cosine(i, $0) != cosine(i, $1) ? cosine(i, $0) > cosine(i, $1) : $0 < $1
      }
      let matches = order.map { labels[$0] == labels[i] }
      return matches.contains(true) ? matches : nil
    }
    let count = Double(matches.count)
    return (
      matches.reduce(0) { $0 + Oracle.averagePrecision($1, within: $1.count) } / count,
      Double(matches.count { $0[0] }) / count
    )
  }

  @Test(arguments: DType.allCases, [2, 30]) func cosineIsZero(dtype: DType, classes: Int) throws {
    let rows = ZeroRowTests.rows(90)
    let labels = rows.indices.map { $0 * 7 % classes }
    var options = EvaluationOptions()
    options.distance = .cosine
    let set = EmbeddingSet(rows, labels, dtype: dtype)
    let (map, recall) = ZeroRowTests.averagePrecision(rows, labels)
    let found = try evaluate(query: set, options: options)
    #expect(abs(try #require(found["map"]) - map) < 1e-12)
    #expect(abs(try #require(found["recall@1"]) - recall) < 1e-12)
  }

  @Test(arguments: DType.allCases) func numbersOfTheSpace(dtype: DType) throws {
    // Cosines: 0 with the row of zeros (three pairs), 0, 1 and 0 of the others.
    let rows: [[Double]] = [[0, 0], [3, 0], [0, 2], [9, 0]]
    var options = EvaluationOptions()
    for distance in EvaluationOptions.Distance.allCases {
      options.distance = distance
      let found = try evaluate(
        query: EmbeddingSet(rows, [0, 0, 1, 1], dtype: dtype), options: options)
      #expect(abs(try #require(found["mean-cosine"]) - 1.0 / 6) < 1e-6)
      #expect(abs(try #require(found["alignment"]) - 2) < 1e-6)
    }
    let root = 2.0.squareRoot()
    options.distance = .cosine
    let found = try evaluate(
      query: EmbeddingSet(rows, [0, 0, 1, 1], dtype: dtype), options: options)
    #expect(abs(try #require(found["intra-distance"]) - root) < 1e-6)
    #expect(abs(try #require(found["inter-distance"]) - 3 * root / 4) < 1e-6)
    let zeros = try evaluate(
      query: EmbeddingSet(Array(repeating: [0, 0], count: 4), [0, 0, 1, 1], dtype: dtype),
      options: options)
    #expect(zeros["mean-cosine"] == 0 && zeros["auc"] == 0.5)
    #expect(zeros["intrinsic-dimension"] == nil)
  }
}
