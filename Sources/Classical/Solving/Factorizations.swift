import Foundation
import Geometry

/// M = L transpose(L) with L lower triangular; nil unless the matrix is positive definite.
/// - Complexity: O(size³ / 3).
package struct Cholesky: Sendable {
  package let lower: Matrix
  private var size: Int { lower.rows }

  package init?(_ matrix: Matrix) {
    let n = matrix.rows
    var l = matrix
    let isDefinite = l.elements.withUnsafeMutableBufferPointer { l -> Bool in
      guard let l = l.baseAddress else { return true }
      // A row at a time, from the rows before it.
      for i in 0..<n {
        let row = l + i * n
        for j in 0..<i {
          row[j] = (row[j] - innerProduct(row, l + j * n, j)) / l[j * n + j]
        }
        let pivot = row[i] - innerProduct(row, row, i)
        guard pivot > 0, pivot.isFinite else { return false }
        row[i] = pivot.squareRoot()
        for j in i + 1..<max(n, i + 1) { row[j] = 0 }
      }
      return true
    }
    guard isDefinite else { return nil }
    lower = l
  }

  /// The logarithm of the determinant of the matrix.
  package var logDeterminant: Double { 2 * lower.diagonal.reduce(0) { $0 + log($1) } }

  /// The inverse of L, lower triangular.
  package var inverseOfLower: Matrix {
    let n = size
    // The inverse of the transpose by rows, so that sums run along rows.
    var result = Matrix(zeros: n, n)
    lower.elements.withUnsafeBufferPointer { l in
      result.elements.withUnsafeMutableBufferPointer { x in
        guard let l = l.baseAddress, let x = x.baseAddress else { return }
        for column in 0..<n {
          let own = x + column * n
          own[column] = 1 / l[column * n + column]
          for i in column + 1..<max(n, column + 1) {
            let sum = innerProduct(l + i * n + column, own + column, i - column)
            own[i] = -sum / l[i * n + i]
          }
        }
      }
    }
    return result.transposed
  }

  /// The inverse of the matrix.
  package var inverse: Matrix { inverseOfLower.gram() }

  /// x with matrix x = b, for one column b.
  package func solve(_ b: [Double]) -> [Double] {
    let n = size
    var x = b
    lower.elements.withUnsafeBufferPointer { l in
      for i in 0..<n {
        var sum = x[i]
        for k in 0..<i { sum -= l[i * n + k] * x[k] }
        x[i] = sum / l[i * n + i]
      }
      for i in stride(from: n - 1, through: 0, by: -1) {
        let value = x[i] / l[i * n + i]
        x[i] = value
        for k in 0..<i { x[k] -= l[i * n + k] * value }
      }
    }
    return x
  }
}

/// Eigenvalues, the largest first, and eigenvectors as rows.
package struct Spectrum: Sendable {
  package let values: [Double]
  package let vectors: Matrix

  /// - Parameter matrix: symmetric and finite.
  package init(_ matrix: Matrix) {
    let eigen = SymmetricEigen(matrix.elements, size: matrix.rows)
    values = eigen.values
    vectors = Matrix(eigen.vectors, rows: matrix.rows, columns: matrix.rows)
  }

  /// v with (A - value B) v = 0 and transpose(v) B v = 1, the largest value first.
  ///
  /// - Returns: nil unless B is positive definite.
  package init?(_ a: Matrix, relativeTo b: Matrix) {
    guard let factor = Cholesky(b) else { return nil }
    let inverse = factor.inverseOfLower
    let inner = Spectrum(inverse.times(a).times(inverse, transposingOther: true).symmetrized())
    values = inner.values
    vectors = inner.vectors.times(inverse)
  }

  /// The symmetric matrix of these vectors with other values.
  package func matrix(_ body: (Double) -> Double) -> Matrix {
    vectors.times(vectors.scalingRows(by: values.map(body)), transposingSelf: true).symmetrized()
  }

  /// Below what an eigenvalue counts as 0, when the numbers came from `count` rows.
  package func threshold(rows count: Int) -> Double {
    Double(max(count, values.count)) * 0x1p-52 * max(values.first ?? 0, -(values.last ?? 0), 0)
  }
}

extension Matrix {
  /// L of full row rank with transpose(L) L = self, the longest row first; at least one row.
  ///
  /// Directions whose share of a positive semi-definite matrix is rounding alone are left out.
  package func root(most count: Int? = nil) -> Matrix {
    let spectrum = Spectrum(symmetrized())
    let least = max(0, spectrum.values.first ?? 0) * 0x1p-52 * Double(rows)
    let rank = max(1, spectrum.values.count { $0 > least })
    let kept = min(rank, count ?? rank)
    return spectrum.vectors.prefix(kept).scalingRows(
      by: spectrum.values.prefix(kept).map { max(0, $0).squareRoot() })
  }
}
