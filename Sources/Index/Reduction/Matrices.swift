import Autodiff
import Geometry

// Small matrices in float64, from which reductions are learned.

extension Tensor {
  /// The sum of the products of every two columns, xᵀ x, in float64: [columns, columns].
  ///
  /// - Parameter mean: what is taken from every row first; nothing if nil.
  func secondMoments(around mean: [Double]? = nil) -> Tensor {
    let (n, d) = (shape[0], shape[1])
    var sum = Tensor(zeros: [d, d], dtype: .float64)
    // In blocks, so that the copy in float64 stays small.
    for start in stride(from: 0, to: n, by: 4096) {
      let rows = min(4096, n - start)
      let block = Tensor(shape: [rows, d], of: Double.self) { y in
        withElements(of: Float.self) { x in
          for i in 0..<rows * d { y[i] = Double(x[start * d + i]) - (mean?[i % d] ?? 0) }
        }
      }
      sum = sum + block.times(block, transposingSelf: true)
    }
    return sum
  }

  /// The mean of each column of a float32 matrix; zeros if there are no rows.
  func columnMeans() -> [Double] {
    let (n, d) = (shape[0], shape[1])
    var means = [Double](repeating: 0, count: d)
    withElements(of: Float.self) { x in
      for row in 0..<n {
        for j in 0..<d { means[j] += Double(x[row * d + j]) }
      }
    }
    return means.map { $0 / Double(max(1, n)) }
  }

  /// The sum of the products of the elements of two float64 tensors.
  package func dot(_ other: Tensor) -> Double { (self * other).sum().elements(as: Double.self)[0] }

  /// Eigenvectors of a symmetric float64 matrix as rows, of the largest eigenvalues first.
  package func leadingEigenvectors(_ count: Int) -> Tensor {
    let d = shape[0]
    let eigen = SymmetricEigen(elements(as: Double.self), size: d)
    return Tensor(Array(eigen.vectors[..<(count * d)]), shape: [count, d])
  }

  /// The orthogonal factor U Vᵀ of a float64 matrix U Σ Vᵀ; directions without length stay zero.
  ///
  /// Newton and Schulz's iteration x ← (3 x - x xᵀ x) / 2, products only.
  package func orthogonalFactor(iterations: Int = 80) -> Tensor {
    let length = dot(self).squareRoot()
    guard length > 0, length.isFinite else { return Tensor(zeros: shape, dtype: .float64) }
    var x = scaled(by: 1 / length)
    for _ in 0..<iterations {
      let next = x.scaled(by: 1.5) - x.times(x.times(x, transposingSelf: true)).scaled(by: 0.5)
      let change = next - x
      x = next
      if change.dot(change) < 1e-24 { break }
    }
    return x
  }

  package static func identity(_ rows: Int, _ columns: Int) -> Tensor {
    Tensor(shape: [rows, columns], of: Double.self) { y in
      for i in y.indices { y[i] = i / columns == i % columns ? 1 : 0 }
    }
  }
}
