import Autodiff

extension Tensor {
  /// This matrix with one more column at its right, a vector of [rows].
  func appendingColumn(_ column: Tensor) -> Tensor {
    appendingColumns(column.reshaped([column.count, 1]))
  }

  /// This matrix with the columns of another at its right.
  func appendingColumns(_ other: Tensor) -> Tensor {
    let (n, m, k) = (shape[0], shape[1], other.shape[1])
    precondition(
      other.shape[0] == n && other.dtype == dtype,
      "appendingColumns: shapes \(shape) and \(other.shape) do not fit")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        other.withElements(of: S.self) { other in
          Tensor(shape: [n, m + k], of: S.self) { y in
            guard let x = x.baseAddress, let other = other.baseAddress, let y = y.baseAddress
            else { return }
            for i in 0..<n {
              let row = y + i * (m + k)
              row.update(from: x + i * m, count: m)
              (row + m).update(from: other + i * k, count: k)
            }
          }
        }
      }
    }
    let result = dtype == .float32 ? run(Float.self) : run(Double.self)
    return result.recorded(
      "appendingColumns", edge { $0.columns(0..<m) }, other.edge { $0.columns(m..<m + k) })
  }

  /// Some columns of this matrix, without history.
  func columns(_ range: Range<Int>) -> Tensor {
    let (n, m) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [n, range.count], of: S.self) { y in
          guard let x = x.baseAddress, let y = y.baseAddress else { return }
          for i in 0..<n {
            let row = y + i * range.count
            row.update(from: x + i * m + range.lowerBound, count: range.count)
          }
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  private func reshaped(_ shape: [Int]) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: shape, of: S.self) { _ = $0.update(fromContentsOf: x) }
      }
    }
    let result = dtype == .float32 ? run(Float.self) : run(Double.self)
    return result.recorded("reshaped", edge { [shape = self.shape] in $0.reshaped(shape) })
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
    let x = detached
    let lengths = dtype == .float32 ? x.lengths(Float.self) : x.lengths(Double.self)
    let result = Tensor(lengths, shape: [n]).converted(to: dtype)
    return result.recorded(
      "rowLengths",
      edge { cotangent in
        let factors = zip(cotangent.elements(as: Double.self), lengths).map {
          $0.1 > 0 ? $0.0 / $0.1 : 0
        }
        func run<S: Scalar>(_: S.Type) -> Tensor {
          x.withElements(of: S.self) { x in
            Tensor(shape: [n, d], of: S.self) { y in
              for i in 0..<n {
                let factor = S(factors[i])
                for j in i * d..<(i + 1) * d { y[j] = x[j] * factor }
              }
            }
          }
        }
        return x.dtype == .float32 ? run(Float.self) : run(Double.self)
      })
  }

  private func lengths<S: Scalar>(_: S.Type) -> [Double] {
    let (n, d) = (shape[0], shape[1])
    let kernels = RowKernels<S>()
    return withElements(of: S.self) { x in
      guard let start = x.baseAddress else { return [] }
      return (0..<n).map { i in
        let square = kernels.innerProduct(start + i * d, start + i * d, d)
        if square > 1e-24, square < 1e30 { return square.squareRoot() }
        // The square has lost digits.
        let row = x[i * d..<(i + 1) * d]
        let largest = row.reduce(0) { max($0, abs(Double($1))) }
        guard largest > 0 else { return 0 }
        let sum = row.reduce(0) { $0 + (Double($1) / largest) * (Double($1) / largest) }
        return largest * sum.squareRoot()
      }
    }
  }
}
