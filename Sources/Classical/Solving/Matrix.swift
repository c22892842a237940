import Autodiff

/// A matrix of float64 numbers by rows.
///
/// Metrics are learned in float64 throughout; products go through the engine's kernels and threads.
public struct Matrix: Sendable, Equatable {
  public let rows, columns: Int
  public var elements: [Double]

  /// - Precondition: the elements fill the matrix.
  public init(_ elements: [Double], rows: Int, columns: Int) {
    precondition(
      elements.count == rows * columns,
      "Matrix: \(elements.count) elements do not fill \(rows) x \(columns)")
    (self.rows, self.columns, self.elements) = (rows, columns, elements)
  }

  public init(zeros rows: Int, _ columns: Int) {
    self.init([Double](repeating: 0, count: rows * columns), rows: rows, columns: columns)
  }

  /// Ones on the diagonal, zeros elsewhere; it need not be square.
  public init(identity rows: Int, _ columns: Int) {
    self.init(zeros: rows, columns)
    for i in 0..<min(rows, columns) { self[i, i] = 1 }
  }

  public init(identity size: Int) { self.init(identity: size, size) }

  public init(diagonal values: [Double]) {
    self.init(zeros: values.count, values.count)
    for i in values.indices { self[i, i] = values[i] }
  }

  public subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  package func row(_ i: Int) -> ArraySlice<Double> { elements[i * columns..<(i + 1) * columns] }

  package var diagonal: [Double] { (0..<min(rows, columns)).map { self[$0, $0] } }

  package var transposed: Matrix {
    var result = Matrix(zeros: columns, rows)
    for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
    return result
  }

  /// Some rows, in the order given.
  package func rows(at indices: [Int]) -> Matrix {
    var result: [Double] = []
    result.reserveCapacity(indices.count * columns)
    for i in indices { result += row(i) }
    return Matrix(result, rows: indices.count, columns: columns)
  }

  /// Some columns, in the order given.
  package func columns(at indices: [Int]) -> Matrix {
    let kept = indices.count
    var result = Matrix(zeros: rows, kept)
    elements.withUnsafeBufferPointer { x in
      result.elements.withUnsafeMutableBufferPointer { y in
        for i in 0..<rows {
          for (place, j) in indices.enumerated() { y[i * kept + place] = x[i * columns + j] }
        }
      }
    }
    return result
  }

  /// The first rows.
  package func prefix(_ count: Int) -> Matrix {
    Matrix(Array(elements[..<(count * columns)]), rows: count, columns: columns)
  }
}

// MARK: - Arithmetic

extension Matrix {
  /// op(self) op(other), where op transposes when asked.
  package func times(
    _ other: Matrix, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> Matrix {
    let (m, k) = transposingSelf ? (columns, rows) : (rows, columns)
    let (inner, n) =
      transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(
      k == inner, "times: \(rows) x \(columns) and \(other.rows) x \(other.columns) do not fit")
    guard m > 0, n > 0, k > 0 else { return Matrix(zeros: m, n) }
    let product = [Double](unsafeUninitializedCapacity: m * n) { buffer, count in
      elements.withUnsafeBufferPointer { a in
        other.elements.withUnsafeBufferPointer { b in
          guard let c = buffer.baseAddress, let a = a.baseAddress, let b = b.baseAddress else {
            return
          }
          Double.product(
            c, a, b, m: m, n: n, k: k, transposingA: transposingSelf,
            transposingB: transposingOther, adding: false)
        }
      }
      count = m * n
    }
    return Matrix(product, rows: m, columns: n)
  }

  /// transpose(self) self, exactly symmetric.
  package func gram() -> Matrix { times(self, transposingSelf: true).symmetrized() }

  /// The mean of this square matrix and its transpose.
  package func symmetrized() -> Matrix {
    var result = self
    let n = rows
    result.elements.withUnsafeMutableBufferPointer { x in
      for i in 0..<n {
        for j in 0..<i {
          let mean = (x[i * n + j] + x[j * n + i]) / 2
          x[i * n + j] = mean
          x[j * n + i] = mean
        }
      }
    }
    return result
  }

  package static func + (a: Matrix, b: Matrix) -> Matrix { a.combined(b) { $0 + $1 } }
  package static func - (a: Matrix, b: Matrix) -> Matrix { a.combined(b) { $0 - $1 } }
  package static func * (a: Matrix, factor: Double) -> Matrix { a.map { $0 * factor } }

  package func map(_ body: (Double) -> Double) -> Matrix {
    Matrix(elements.map(body), rows: rows, columns: columns)
  }

  private func combined(_ other: Matrix, _ body: (Double, Double) -> Double) -> Matrix {
    precondition(rows == other.rows && columns == other.columns, "Matrix: shapes do not fit")
    var result = self
    result.elements.withUnsafeMutableBufferPointer { x in
      other.elements.withUnsafeBufferPointer { y in
        for i in x.indices { x[i] = body(x[i], y[i]) }
      }
    }
    return result
  }

  /// Each row times a number of its own.
  package func scalingRows(by factors: [Double]) -> Matrix {
    var result = self
    result.elements.withUnsafeMutableBufferPointer { x in
      for i in 0..<rows {
        let factor = factors[i]
        for j in i * columns..<(i + 1) * columns { x[j] *= factor }
      }
    }
    return result
  }

  /// Each column times a number of its own.
  package func scalingColumns(by factors: [Double]) -> Matrix {
    var result = self
    result.elements.withUnsafeMutableBufferPointer { x in
      for i in 0..<rows { for j in 0..<columns { x[i * columns + j] *= factors[j] } }
    }
    return result
  }

  /// The sum of the products of the elements, <self, other>.
  package func inner(_ other: Matrix) -> Double { dot(elements, other.elements) }

  /// The Frobenius norm.
  package var norm: Double { Classical.norm(elements) }

  package var trace: Double { diagonal.reduce(0, +) }

  package var isFinite: Bool { elements.allSatisfy(\.isFinite) }

  /// The mean of each column.
  package var columnMeans: [Double] {
    var sums = [Double](repeating: 0, count: columns)
    elements.withUnsafeBufferPointer { x in
      for i in 0..<rows { for j in 0..<columns { sums[j] += x[i * columns + j] } }
    }
    return sums.map { $0 / Double(max(1, rows)) }
  }

  /// The rows without the mean of each column: taken twice, so that a large mean leaves no trace.
  package func centered() -> Matrix {
    func once(_ matrix: Matrix) -> Matrix {
      let means = matrix.columnMeans
      var result = matrix
      for i in 0..<rows { for j in 0..<columns { result.elements[i * columns + j] -= means[j] } }
      return result
    }
    return once(once(self))
  }
}

package func dot(_ a: [Double], _ b: [Double]) -> Double {
  precondition(a.count == b.count, "dot: \(a.count) and \(b.count) numbers")
  return a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      guard let a = a.baseAddress, let start = b.baseAddress else { return 0 }
      return innerProduct(a, start, b.count)
    }
  }
}

/// The length of a vector, without overflow of its square.
package func norm(_ a: [Double]) -> Double {
  let largest = a.reduce(0) { max($0, abs($1)) }
  guard largest > 0, largest.isFinite else { return largest }
  return largest * a.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
}
