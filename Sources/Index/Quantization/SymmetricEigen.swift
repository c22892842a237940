/// Eigenvalues and eigenvectors of a symmetric matrix, the largest first.
///
/// Jacobi's rotations, which take the largest angles away until all are gone; vectors are the rows
/// of `vectors`, each with its largest number positive, so that the signs are always the same.
/// - Complexity: O(size³) for each of about ten rounds.
struct SymmetricEigen {
  let values: [Double]
  /// [size, size], a vector a row.
  let vectors: [Double]

  /// - Parameter matrix: [size, size], symmetric and finite.
  init(_ matrix: [Double], size n: Int) {
    var a = matrix
    var v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    a.withUnsafeMutableBufferPointer { a in
      v.withUnsafeMutableBufferPointer { v in
        for _ in 0..<40 where SymmetricEigen.round(a, v, n) {}
      }
    }
    let order = (0..<n).sorted {
      a[$0 * n + $0] == a[$1 * n + $1] ? $0 < $1 : a[$0 * n + $0] > a[$1 * n + $1]
    }
    values = order.map { a[$0 * n + $0] }
    vectors = order.flatMap { row -> [Double] in
      let vector = v[row * n..<(row + 1) * n]
      let largest = vector.max { abs($0) < abs($1) } ?? 1
      return vector.map { largest < 0 ? -$0 : $0 }
    }
  }

  /// One rotation for each pair of rows; false if nothing was left to rotate.
  private static func round(
    _ a: UnsafeMutableBufferPointer<Double>, _ v: UnsafeMutableBufferPointer<Double>, _ n: Int
  ) -> Bool {
    var isChanged = false
    for p in 0..<n {
      for q in (p + 1)..<max(p + 1, n) {
        let side = a[p * n + q]
        guard abs(side) > 1e-14 * (abs(a[p * n + p]) * abs(a[q * n + q])).squareRoot(),
          abs(side) > 1e-300
        else { continue }
        isChanged = true
        let theta = (a[q * n + q] - a[p * n + p]) / (2 * side)
        let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n {
          let (x, y) = (a[p * n + k], a[q * n + k])
          a[p * n + k] = c * x - s * y
          a[q * n + k] = s * x + c * y
        }
        for k in 0..<n {
          let (x, y) = (a[k * n + p], a[k * n + q])
          a[k * n + p] = c * x - s * y
          a[k * n + q] = s * x + c * y
        }
        for k in 0..<n {
          let (x, y) = (v[p * n + k], v[q * n + k])
          v[p * n + k] = c * x - s * y
          v[q * n + k] = s * x + c * y
        }
      }
    }
    return isChanged
  }
}
