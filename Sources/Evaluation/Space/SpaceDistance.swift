import Autodiff
import Settings

/// How far apart two embeddings of the same items are, as clouds of points.
///
/// - Reference: Xu et al., Hard Negative Mining via Isometric Approximation, 2022 (for the Hausdorff
///   distance as a measure of collapse); Schönemann, 1966 (orthogonal Procrustes).
public struct SpaceDistance: Sendable, Equatable {
  /// max(max over a of min over b of ‖a − b‖, and the other way round).
  public let hausdorff: Double
  /// The same after the second cloud was moved and turned onto the first.
  public let alignedHausdorff: Double
  /// The root of the mean of ‖aᵢ − U bᵢ − t‖² over the items, for the best U (orthogonal) and t.
  public let procrustes: Double

  /// - Parameters: two matrices of the same shape [items, d].
  /// - Throws: if the shapes differ, are empty or hold something that is not a number.
  /// - Complexity: O(n² d + d³).
  public init(_ first: Tensor, _ second: Tensor) throws(Failure) {
    for (tensor, name) in [(first, "first"), (second, "second")] {
      try EmbeddingSet(
        embeddings: tensor, labels: [Int](repeating: 0, count: tensor.shape.first ?? 0), name: name
      ).check()
    }
    guard first.shape == second.shape else {
      throw Failure(
        .badData, at: "second", "the embeddings have shape \(second.shape)",
        expected: "\(first.shape), as the first have",
        remedy: "compare models of the same embedding size on the same items")
    }
    let (n, d) = (first.shape[0], first.shape[1])
    let (a, meanA) = centred(first.elements(as: Double.self), width: d)
    let (b, _) = centred(second.elements(as: Double.self), width: d)
    // M = Bᵀ A; the best turn of b is the orthogonal factor of M.
    let turn = orthogonalFactor(product(transposing: b, with: a, count: n, width: d), size: d)
    var turned = [Double](repeating: 0, count: n * d)
    for row in 0..<n {
      for i in 0..<d {
        let value = b[row * d + i]
        for j in 0..<d { turned[row * d + j] += value * turn[i * d + j] }
      }
    }
    var sum = 0.0
    for i in a.indices { sum += (a[i] - turned[i]) * (a[i] - turned[i]) }
    procrustes = (sum / Double(n)).squareRoot()
    for i in turned.indices { turned[i] += meanA[i % d] }
    hausdorff = SpaceDistance.hausdorff(first, second)
    alignedHausdorff = SpaceDistance.hausdorff(first, Tensor(turned, shape: [n, d]))
  }

  private static func hausdorff(_ first: Tensor, _ second: Tensor) -> Double {
    let sets = [first, second].map {
      EmbeddingSet(embeddings: $0, labels: [Int](repeating: 0, count: $0.shape[0]))
    }
    let rows = LabeledRows<Double>.prepare(sets, distance: .euclidean)
    func oneWay(_ query: Int, _ gallery: Int) -> Double {
      DistanceRows(query: rows[query], gallery: rows[gallery], isSelf: false).reduce(0.0) {
        $0 = max($0, Double($2.min() ?? 0))
      }.max() ?? 0
    }
    return max(oneWay(0, 1), oneWay(1, 0)).squareRoot() * rows[0].scale
  }
}

private func centred(_ rows: [Double], width d: Int) -> (rows: [Double], mean: [Double]) {
  let n = Double(rows.count / d)
  let mean = (0..<d).map { i in
    stride(from: i, to: rows.count, by: d).reduce(0) { $0 + rows[$1] } / n
  }
  return (rows.indices.map { rows[$0] - mean[$0 % d] }, mean)
}

private func product(
  transposing a: [Double], with b: [Double], count: Int, width d: Int
) -> [Double] {
  var c = [Double](repeating: 0, count: d * d)
  for row in 0..<count {
    for i in 0..<d {
      let value = a[row * d + i]
      for j in 0..<d { c[i * d + j] += value * b[row * d + j] }
    }
  }
  return c
}

/// The nearest orthogonal matrix, by Newton and Schulz's iteration X ← (3 X − X Xᵀ X) / 2.
///
/// Singular values below 10⁻¹⁵ of the norm stay small: in those directions nothing is turned.
private func orthogonalFactor(_ matrix: [Double], size d: Int) -> [Double] {
  let norm = matrix.reduce(0) { $0 + $1 * $1 }.squareRoot()
  guard norm > 0 else { return (0..<d * d).map { $0 % (d + 1) == 0 ? 1 : 0 } }
  var x = matrix.map { $0 / norm }
  for _ in 0..<120 {
    let square = product(transposing: x, with: x, count: d, width: d)
    var next = x.map { 1.5 * $0 }
    for i in 0..<d {
      for k in 0..<d {
        let value = 0.5 * x[i * d + k]
        for j in 0..<d { next[i * d + j] -= value * square[k * d + j] }
      }
    }
    let change = zip(x, next).reduce(0) { max($0, abs($1.0 - $1.1)) }
    x = next
    if change < 1e-15 { break }
  }
  return x
}
