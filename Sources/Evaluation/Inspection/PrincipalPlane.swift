import Autodiff

/// Where rows lie in the plane of their two widest directions (principal component analysis).
///
/// Subspace iteration on the covariance from a fixed start; a direction points to where its largest
/// coordinate is positive, so that pictures of the same data look the same.
/// - Parameter embeddings: shape [n, d].
/// - Returns: a point for each row, and the share of the variance that the plane keeps (1 if all
///   rows are equal).
/// - Complexity: O(n d m + 200 m²) for the smaller m of n and d, at most as much memory as n d + m².
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
  // Of X, the rows less their mean, XᵀX and XXᵀ have the same widest directions: take the smaller.
  let isWide = d > n
  let size = min(n, d)
  let products = isWide ? rowProducts(rows, count: n, width: d) : gram(rows, count: n, width: d)
  let variance = (0..<size).reduce(0) { $0 + products[$1 * size + $1] }
  guard variance > 1e-24 * Double(n) else { return (Array(repeating: .zero, count: n), 1) }

  var axes = widestDirections(of: products, size: size, variance: variance)
  if isWide {
    axes = axes.map { weights in
      var axis = [Double](repeating: 0, count: d)
      for row in 0..<n { for i in 0..<d { axis[i] += weights[row] * rows[row * d + i] } }
      let norm = axis.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return norm > 0 ? axis.map { $0 / norm } : axis
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

/// The two widest directions of a symmetric matrix, by subspace iteration.
private func widestDirections(
  of products: [Double], size: Int, variance: Double
) -> [[Double]] {
  var random = Random(seed: 0).split("plane")
  var axes = (0..<min(2, size)).map { _ in (0..<size).map { _ in random.normal() } }
  for _ in 0..<200 {
    for a in axes.indices {
      var next = (0..<size).map { i in
        (0..<size).reduce(0) { $0 + products[i * size + $1] * axes[a][$1] }
      }
      for b in 0..<a {
        let along = zip(next, axes[b]).reduce(0) { $0 + $1.0 * $1.1 }
        for i in 0..<size { next[i] -= along * axes[b][i] }
      }
      let norm = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      axes[a] = norm > 1e-12 * variance ? next.map { $0 / norm } : next.map { _ in 0 }
    }
  }
  return axes
}

/// The sums of products of all pairs of rows, [count, count].
private func rowProducts(_ rows: [Double], count: Int, width: Int) -> [Double] {
  var products = [Double](repeating: 0, count: count * count)
  rows.withUnsafeBufferPointer { rows in
    products.withUnsafeMutableBufferPointer { products in
      guard let products = products.baseAddress, let rows = rows.baseAddress else { return }
      Double.product(
        products, rows, rows, m: count, n: count, k: width, transposingA: false,
        transposingB: true, adding: false)
    }
  }
  return products
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
