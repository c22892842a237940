import Autodiff

extension Tensor {
  /// This matrix with one more column at its right, [rows, 1] or [rows].
  func appendingColumn(_ column: Tensor) -> Tensor {
    let (n, m) = (shape[0], shape[1])
    precondition(
      column.count == n && column.dtype == dtype,
      "appendingColumn: shapes \(shape) and \(column.shape) do not fit")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        column.withElements(of: S.self) { column in
          Tensor(shape: [n, m + 1], of: S.self) { y in
            for i in 0..<n {
              for j in 0..<m { y[i * (m + 1) + j] = x[i * m + j] }
              y[i * (m + 1) + m] = column[i]
            }
          }
        }
      }
    }
    let result = dtype == .float32 ? run(Float.self) : run(Double.self)
    return result.recorded(
      "appendingColumn", edge { $0.columns(0..<m).reshapedWithoutHistory([n, m]) },
      column.edge { [shape = column.shape] in
        $0.columns(m..<m + 1).reshapedWithoutHistory(shape)
      })
  }

  /// Some columns of this matrix, without history.
  private func columns(_ range: Range<Int>) -> Tensor {
    let (n, m) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [n, range.count], of: S.self) { y in
          for i in 0..<n {
            for (k, j) in range.enumerated() { y[i * range.count + k] = x[i * m + j] }
          }
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  private func reshapedWithoutHistory(_ shape: [Int]) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: shape, of: S.self) { _ = $0.update(fromContentsOf: x) }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The elements of this vector at the given indices; an index may occur again.
  func gathered(at indices: [Int]) -> Tensor {
    let (values, count) = (elements(as: Double.self), self.count)
    let result = Tensor(indices.map { values[$0] }, shape: [indices.count]).converted(to: dtype)
    return result.recorded(
      "gathered",
      edge { [shape] cotangent in
        var sums = [Double](repeating: 0, count: count)
        for (i, value) in zip(indices, cotangent.elements(as: Double.self)) { sums[i] += value }
        return Tensor(sums, shape: shape).converted(to: cotangent.dtype)
      })
  }

  /// The length of each row, [rows]; a row of zeros takes no gradient.
  func rowLengths() -> Tensor {
    let (n, d) = (shape[0], shape[1])
    let values = elements(as: Double.self)
    let lengths = (0..<n).map { i in
      let largest = values[i * d..<(i + 1) * d].reduce(0) { max($0, abs($1)) }
      guard largest > 0 else { return 0.0 }
      let sum = values[i * d..<(i + 1) * d].reduce(0) { $0 + ($1 / largest) * ($1 / largest) }
      return largest * sum.squareRoot()
    }
    let result = Tensor(lengths, shape: [n]).converted(to: dtype)
    return result.recorded(
      "rowLengths",
      edge { [shape] cotangent in
        let factors = zip(cotangent.elements(as: Double.self), lengths).map {
          $0.1 > 0 ? $0.0 / $0.1 : 0
        }
        return Tensor(values.indices.map { values[$0] * factors[$0 / d] }, shape: shape)
          .converted(to: cotangent.dtype)
      })
  }
}
