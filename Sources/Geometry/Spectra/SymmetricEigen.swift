/// Eigenvalues and eigenvectors of a symmetric matrix, the largest first.
///
/// Householder's reflections make the matrix tridiagonal, then implicit QL steps make it diagonal.
/// Vectors are the rows of `vectors`, each with its largest number positive, so that the signs are
/// always the same.
/// - Complexity: O(size³).
/// - Reference: Bowdler, Martin, Reinsch and Wilkinson, *The QR and QL algorithms for symmetric
///   matrices* (1968).
package struct SymmetricEigen {
  package let values: [Double]
  /// [size, size], a vector a row; empty if they were not asked for.
  package let vectors: [Double]

  /// - Parameters:
  ///   - matrix: [size, size], symmetric and finite.
  ///   - findsVectors: whether vectors are found too, which is most of the work.
  package init(_ matrix: [Double], size n: Int, findsVectors: Bool = true) {
    // Numbers of about 1, so that squares neither overflow nor vanish.
    let largest = matrix.reduce(0) { max($0, abs($1)) }
    let scale = largest > 0 ? largest : 1
    var solver = Tridiagonal(
      matrix.map { $0 / scale }, size: n, findsVectors: findsVectors)
    solver.diagonalize()
    let (found, rows) = (solver.diagonal, solver.vectors)
    let order = (0..<n).sorted { found[$0] == found[$1] ? $0 < $1 : found[$0] > found[$1] }
    values = order.map { found[$0] * scale }
    guard findsVectors else {
      vectors = []
      return
    }
    vectors = order.flatMap { row -> [Double] in
      let vector = rows[row * n..<(row + 1) * n]
      let largest = vector.max { abs($0) < abs($1) } ?? 1
      return vector.map { largest < 0 ? -$0 : $0 }
    }
  }
}

/// A symmetric matrix as a tridiagonal one between orthogonal ones.
private struct Tridiagonal {
  let n: Int
  var diagonal: [Double]
  /// Element i couples i and i + 1; the last is 0.
  var side: [Double]
  /// The rows that turn into eigenvectors; empty if they are not asked for.
  var vectors: [Double] = []

  init(_ matrix: [Double], size n: Int, findsVectors: Bool) {
    self.n = n
    var a = matrix
    var reflections: [[Double]] = []
    (diagonal, side) = (Array(repeating: 0, count: n), Array(repeating: 0, count: n))
    for k in 0..<max(0, n - 1) {
      diagonal[k] = a[k * n + k]
      // v reflects the column below the diagonal onto its first number.
      var v = (k + 1..<n).map { a[$0 * n + k] }
      let length = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      side[k] = v[0] > 0 ? -length : length
      v[0] -= side[k]
      let square = v.reduce(0) { $0 + $1 * $1 }
      guard square > 0 else {
        reflections.append([])
        continue
      }
      let norm = (2 / square).squareRoot()
      for i in v.indices { v[i] *= norm }
      Tridiagonal.reflectBothSides(&a, from: k + 1, size: n, by: v)
      if findsVectors { reflections.append(v) }
    }
    if n > 0 { diagonal[n - 1] = a[n * n - 1] }
    guard findsVectors else { return }
    // The product of the reflections, from the last to the first.
    vectors = Array(repeating: 0, count: n * n)
    for i in 0..<n { vectors[i * n + i] = 1 }
    vectors.withUnsafeMutableBufferPointer { z in
      for (k, v) in reflections.enumerated().reversed() where !v.isEmpty {
        // Rows are those of the transpose: z ← z (1 - v vᵀ) on the columns from k + 1.
        for row in k + 1..<n {
          let base = row * n + k + 1
          var sum = 0.0
          for i in v.indices { sum += z[base + i] * v[i] }
          for i in v.indices { z[base + i] -= sum * v[i] }
        }
      }
    }
  }

  /// a ← (1 - v vᵀ) a (1 - v vᵀ) on the rows and columns from `start`; |v|² = 2.
  private static func reflectBothSides(
    _ a: inout [Double], from start: Int, size n: Int, by v: [Double]
  ) {
    a.withUnsafeMutableBufferPointer { a in
      var p = v.indices.map { i -> Double in
        let base = (start + i) * n + start
        var sum = 0.0
        for j in v.indices { sum += a[base + j] * v[j] }
        return sum
      }
      var half = 0.0
      for i in v.indices { half += p[i] * v[i] }
      for i in v.indices { p[i] -= half / 2 * v[i] }
      for i in v.indices {
        let base = (start + i) * n + start
        let (x, y) = (v[i], p[i])
        for j in v.indices { a[base + j] -= x * p[j] + y * v[j] }
      }
    }
  }

  mutating func diagonalize() {
    var (shift, size) = (0.0, 0.0)
    for l in 0..<n {
      size = max(size, abs(diagonal[l]) + abs(side[l]))
      let least = 0x1p-52 * size
      var m = l
      while m < n - 1, abs(side[m]) > least { m += 1 }
      var rounds = 0
      while m > l, abs(side[l]) > least, rounds < 60 {
        shift += step(l, m)
        rounds += 1
      }
      diagonal[l] += shift
      side[l] = 0
    }
  }

  /// One implicit QL step on the rows l to m; returns what was taken from the diagonal.
  private mutating func step(_ l: Int, _ m: Int) -> Double {
    let g = diagonal[l]
    var p = (diagonal[l + 1] - g) / (2 * side[l])
    let root = (p * p + 1).squareRoot()
    let r = p < 0 ? -root : root
    diagonal[l] = side[l] / (p + r)
    diagonal[l + 1] = side[l] * (p + r)
    let (next, first) = (diagonal[l + 1], side[l + 1])
    let h = g - diagonal[l]
    for i in min(l + 2, n)..<n { diagonal[i] -= h }
    p = diagonal[m]
    var (c, c2, c3, s, s2) = (1.0, 1.0, 1.0, 0.0, 0.0)
    for i in stride(from: m - 1, through: l, by: -1) {
      (c3, c2, s2) = (c2, c, s)
      let (g, h) = (c * side[i], c * p)
      let r = (p * p + side[i] * side[i]).squareRoot()
      side[i + 1] = s * r
      (s, c) = r > 0 ? (side[i] / r, p / r) : (0, 1)
      p = c * diagonal[i] - s * g
      diagonal[i + 1] = h + s * (c * g + s * diagonal[i])
      rotate(i, s, c)
    }
    p = next == 0 ? 0 : -s * s2 * c3 * first * side[l] / next
    side[l] = s * p
    diagonal[l] = c * p
    return h
  }

  private mutating func rotate(_ i: Int, _ s: Double, _ c: Double) {
    guard !vectors.isEmpty else { return }
    vectors.withUnsafeMutableBufferPointer { z in
      for k in i * n..<(i + 1) * n {
        let (x, y) = (z[k], z[k + n])
        z[k + n] = s * x + c * y
        z[k] = c * x - s * y
      }
    }
  }
}
