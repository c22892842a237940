import Autodiff
import Settings

/// Whether new models may search in what old models embedded.
///
/// Cᵢⱼ is recall@1 with queries of model i and a gallery of model j ≤ i (each item itself left out);
/// models are given oldest first.
/// - Reference: Biondi et al., CoReS: Compatible Representations via Stationarity, 2023, and CL2R,
///   2023.
public struct Compatibility: Sendable, Equatable {
  /// Row i holds the columns 0 … i.
  public let matrix: [[Double]]

  /// - Parameter matrix: a lower triangle, row i of i + 1 numbers.
  public init(matrix: [[Double]]) {
    precondition(
      !matrix.isEmpty && matrix.enumerated().allSatisfy { $0.element.count == $0.offset + 1 },
      "Compatibility: row i has i + 1 numbers")
    self.matrix = matrix
  }

  /// - Parameter models: embeddings of the same items with the same labels, oldest model first.
  /// - Throws: if they do not fit each other, or no item has a match.
  /// - Complexity: O(models² n² d).
  public init(_ models: [EmbeddingSet]) throws(Failure) {
    var matrix: [[Double]] = []
    for (i, query) in models.enumerated() {
      try query.check()
      guard query.embeddings.shape == models[0].embeddings.shape, query.labels == models[0].labels
      else {
        throw Failure(
          .badData, at: query.name, "the embeddings have shape \(query.embeddings.shape)",
          expected: "the items and the embedding size of \(models[0].name)")
      }
      var row: [Double] = []
      for gallery in models[...i] {
        guard let value = Compatibility.recall(query, in: gallery) else {
          throw Failure(.badData, at: query.name, "no item has another of its class")
        }
        row.append(value)
      }
      matrix.append(row)
    }
    guard !matrix.isEmpty else {
      throw Failure(.badUsage, at: "models", "there are none", expected: "at least one")
    }
    self.init(matrix: matrix)
  }

  private static func recall(_ query: EmbeddingSet, in gallery: EmbeddingSet) -> Double? {
    let rows = LabeledRows<Float>.prepare([query, gallery], distance: .euclidean)
    let values = RankPass(
      DistanceRows(query: rows[0], gallery: rows[1], isSelf: true),
      measures: [{ $0.first <= 1 ? 1 : 0 }], countsPairs: false
    ).values[0].filter { !$0.isNaN }
    return values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }

  /// AC: the share of pairs i > j for which searching j's gallery with i is better than with j itself
  /// (equal does not count); 1 for one model.
  public var averageCompatibility: Double {
    let pairs = matrix.indices.flatMap { i in (0..<i).map { (i, $0) } }
    guard !pairs.isEmpty else { return 1 }
    let better = pairs.count { i, j in matrix[i][j] > matrix[j][j] }
    return Double(better) / Double(pairs.count)
  }

  /// AM: the mean over the matrix.
  public var averageAccuracy: Double {
    let all = matrix.flatMap { $0 }
    return all.reduce(0, +) / Double(all.count)
  }

  /// BC: how much the newest model gains in old galleries over the models that made them.
  public var backwardGain: Double? {
    guard let newest = matrix.last, matrix.count > 1 else { return nil }
    let gains = newest.dropLast().enumerated().map { $0.element - matrix[$0.offset][$0.offset] }
    return gains.reduce(0, +) / Double(gains.count)
  }
}
