import Autodiff

/// Where rows lie in the plane of their two widest directions (principal component analysis).
///
/// Subspace iteration on the covariance from a fixed start; a direction points to where its largest
/// coordinate is positive, so that pictures of the same data look the same.
/// - Parameter embeddings: shape [n, d].
/// - Returns: a point for each row, and the share of the variance that the plane keeps (1 if all
///   rows are equal).
/// - Complexity: O(n d² + 200 d²).
public func principalPlane(_ embeddings: Tensor) -> (points: [SIMD2<Double>], share: Double) {
  let (n, d) = (embeddings.shape[0], embeddings.shape[1])
  var rows = embeddings.elements(as: Double.self)
  let largest = rows.reduce(0) { max($0, abs($1)) }
  guard largest > 0 else { return (Array(repeating: .zero, count: n), 1) }
  for i in rows.indices { rows[i] /= largest }
  for i in 0..<d {
    let mean = stride(from: i, to: rows.count, by: d).reduce(0) { $0 + rows[$1] } / Double(n)
    for place in stride(from: i, to: rows.count, by: d) { rows[place] -= mean }
  }
  let covariance = gram(rows, count: n, width: d)
  let variance = (0..<d).reduce(0) { $0 + covariance[$1 * d + $1] }
  guard variance > 1e-24 * Double(n) else { return (Array(repeating: .zero, count: n), 1) }

  var random = Random(seed: 0).split("plane")
  var axes = (0..<min(2, d)).map { _ in (0..<d).map { _ in random.normal() } }
  for _ in 0..<200 {
    for a in axes.indices {
      var next = (0..<d).map { i in (0..<d).reduce(0) { $0 + covariance[i * d + $1] * axes[a][$1] }
      }
      for b in 0..<a {
        let along = zip(next, axes[b]).reduce(0) { $0 + $1.0 * $1.1 }
        for i in 0..<d { next[i] -= along * axes[b][i] }
      }
      let norm = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      axes[a] = norm > 1e-12 * variance ? next.map { $0 / norm } : next.map { _ in 0 }
    }
  }
  for a in axes.indices {
    let widest = axes[a].max { abs($0) < abs($1) } ?? 0
    if widest < 0 { axes[a] = axes[a].map { -$0 } }
  }
  let points = (0..<n).map { row in
    var point = SIMD2<Double>.zero
    for a in axes.indices { for i in 0..<d { point[a] += rows[row * d + i] * axes[a][i] } }
    return point * largest
  }
  let kept = points.reduce(0) { $0 + ($1 * $1).sum() } / (largest * largest)
  return (points, min(1, kept / variance))
}

/// The sums of products of all pairs of columns, [width, width], in double.
func gram<S: Scalar>(_ rows: [S], count: Int, width d: Int) -> [Double] {
  var gram = [Double](repeating: 0, count: d * d)
  var block = [Double](repeating: 0, count: min(count, 2048) * d)
  rows.withUnsafeBufferPointer { rows in
    gram.withUnsafeMutableBufferPointer { gram in
      block.withUnsafeMutableBufferPointer { block in
        guard let gram = gram.baseAddress, let wide = block.baseAddress else { return }
        for first in stride(from: 0, to: count, by: 2048) {
          let height = min(2048, count - first)
          Parallel.forEachRange(height * d, grain: 1 << 14) { places in
            for place in places { wide[place] = Double(rows[first * d + place]) }
          }
          Double.product(
            gram, wide, wide, m: d, n: d, k: height, transposingA: true, transposingB: false,
            adding: true)
        }
      }
    }
  }
  for i in 0..<d { for j in 0..<i { gram[j * d + i] = gram[i * d + j] } }
  return gram
}
