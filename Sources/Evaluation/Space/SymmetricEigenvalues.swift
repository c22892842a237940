/// The eigenvalues of a symmetric matrix, in no particular order.
///
/// Householder reflections make it tridiagonal, then implicit QL steps make it diagonal (Martin,
/// Reinsch and Wilkinson, 1968; Dubrulle, Martin and Wilkinson, 1968).
///
/// - Parameter matrix: [size, size], finite; only the lower triangle is read.
/// - Complexity: O(size³).
func symmetricEigenvalues(_ matrix: [Double], size n: Int) -> [Double] {
  var a = matrix
  var diagonal = [Double](repeating: 0, count: n)
  var side = [Double](repeating: 0, count: n)
  for i in stride(from: n - 1, to: 0, by: -1) {
    let scale = (0..<i).reduce(0.0) { $0 + abs(a[i * n + $1]) }
    if i == 1 || scale == 0 {
      side[i] = a[i * n + i - 1]
      continue
    }
    var h = 0.0
    for k in 0..<i {
      a[i * n + k] /= scale
      h += a[i * n + k] * a[i * n + k]
    }
    let f = a[i * n + i - 1]
    let g = f >= 0 ? -h.squareRoot() : h.squareRoot()
    side[i] = scale * g
    h -= f * g
    a[i * n + i - 1] = f - g
    var product = 0.0
    for j in 0..<i {
      var sum = 0.0
      for k in 0...j { sum += a[j * n + k] * a[i * n + k] }
      for k in (j + 1)..<max(j + 1, i) { sum += a[k * n + j] * a[i * n + k] }
      side[j] = sum / h
      product += side[j] * a[i * n + j]
    }
    let half = product / (h + h)
    for j in 0..<i {
      let f = a[i * n + j]
      side[j] -= half * f
      let g = side[j]
      for k in 0...j { a[j * n + k] -= f * side[k] + g * a[i * n + k] }
    }
  }
  for i in 0..<n { diagonal[i] = a[i * n + i] }
  diagonalize(&diagonal, &side)
  return diagonal
}

/// Makes a tridiagonal matrix diagonal; `side[i]` stands between elements i − 1 and i.
private func diagonalize(_ diagonal: inout [Double], _ side: inout [Double]) {
  let n = diagonal.count
  for i in 1..<max(1, n) { side[i - 1] = side[i] }
  if n > 0 { side[n - 1] = 0 }
  for l in 0..<n {
    // Thirty steps are far more than are ever needed; the bound is for what cannot happen.
    for _ in 0..<60 {
      var m = l
      while m < n - 1 {
        let size = abs(diagonal[m]) + abs(diagonal[m + 1])
        if abs(side[m]) <= size * 0x1p-53 { break }
        m += 1
      }
      guard m > l else { break }
      var g = (diagonal[l + 1] - diagonal[l]) / (2 * side[l])
      var r = (g * g + 1).squareRoot()
      g = diagonal[m] - diagonal[l] + side[l] / (g + (g >= 0 ? r : -r))
      var (s, c, p) = (1.0, 1.0, 0.0)
      var isSplit = false
      for i in stride(from: m - 1, through: l, by: -1) {
        let f = s * side[i]
        let b = c * side[i]
        r = (f * f + g * g).squareRoot()
        side[i + 1] = r
        if r == 0 {
          diagonal[i + 1] -= p
          side[m] = 0
          isSplit = true
          break
        }
        s = f / r
        c = g / r
        g = diagonal[i + 1] - p
        r = (diagonal[i] - g) * s + 2 * c * b
        p = s * r
        diagonal[i + 1] = g + p
        g = c * r - b
      }
      if isSplit { continue }
      diagonal[l] -= p
      side[l] = g
      side[m] = 0
    }
  }
}
