// Operations that move elements without changing them.

extension Tensor {
  /// The same elements by rows under another shape of the same count.
  public func reshaped(to shape: [Int]) -> Tensor {
    precondition(
      shape.reduce(1, *) == count, "reshaped: shape \(self.shape) does not fill \(shape)")
    let y = Tensor(shape: shape, dtype: dtype, storage: storage)
    return y.recorded("reshaped", edge { [old = self.shape] in $0.reshaped(to: old) })
  }

  /// The transpose of a matrix.
  public var transposed: Tensor {
    precondition(shape.count == 2, "transposed: expected a matrix, not shape \(shape)")
    let (rows, columns) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [columns, rows], of: S.self) { y in
          // Blocks, so that neither side walks over a whole column at a time.
          for top in stride(from: 0, to: rows, by: 16) {
            for j in 0..<columns {
              for i in top..<min(top + 16, rows) { y[j * rows + i] = x[i * columns + j] }
            }
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded("transposed", edge { $0.transposed })
  }

  /// The rows (along the first axis) with the given indices, in that order; indices may repeat.
  public func rows(at indices: [Int]) -> Tensor {
    precondition(!shape.isEmpty, "rows(at:): a tensor of shape [] has no rows")
    let (rows, length) = (shape[0], shape.dropFirst().reduce(1, *))
    for index in indices {
      precondition(
        index >= 0 && index < rows, "rows(at:): index \(index) is outside shape \(shape)")
    }
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [indices.count] + shape.dropFirst(), of: S.self) { y in
          guard let x = x.baseAddress, let y = y.baseAddress else { return }
          for (i, index) in indices.enumerated() {
            (y + i * length).update(from: x + index * length, count: length)
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "rows", edge { [shape] in $0.rowsAdded(at: indices, to: shape) })
  }

  /// Zeros of the given shape, with each row of this tensor added to the row with its index.
  private func rowsAdded(at indices: [Int], to shape: [Int]) -> Tensor {
    let length = shape.dropFirst().reduce(1, *)
    var result = Tensor(zeros: shape, dtype: dtype)
    func run<S: Scalar>(_: S.Type) {
      withElements(of: S.self) { g in
        result.updateElements(of: S.self) { x in
          for (i, index) in indices.enumerated() {
            for j in 0..<length { x[index * length + j] += g[i * length + j] }
          }
        }
      }
    }
    if dtype == .float32 { run(Float.self) } else { run(Double.self) }
    return result
  }

  /// The rows `range` along the first axis.
  func rows(in range: Range<Int>) -> Tensor {
    let length = shape.dropFirst().reduce(1, *)
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [range.count] + shape.dropFirst(), of: S.self) { y in
          _ = y.update(
            fromContentsOf: x[range.lowerBound * length..<range.upperBound * length])
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// One tensor with the rows of all: shapes [nᵢ, ...] become [Σ nᵢ, ...].
  public static func concatenated(_ tensors: [Tensor]) -> Tensor {
    guard let first = tensors.first else {
      preconditionFailure("concatenated: there are no tensors")
    }
    for tensor in tensors {
      precondition(
        !tensor.shape.isEmpty && tensor.dtype == first.dtype
          && tensor.shape.dropFirst() == first.shape.dropFirst(),
        "concatenated: \(tensor.shape) \(tensor.dtype) does not fit \(first.shape) \(first.dtype)")
    }
    let rows = tensors.reduce(0) { $0 + $1.shape[0] }
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: [rows] + first.shape.dropFirst(), of: S.self) { y in
        var start = 0
        for tensor in tensors {
          tensor.withElements(of: S.self) { x in
            _ = y[start...].update(fromContentsOf: x)
            start += x.count
          }
        }
      }
    }
    let y = first.dtype == .float32 ? run(Float.self) : run(Double.self)
    var start = 0
    let edges = tensors.map { tensor in
      let range = start..<start + tensor.shape[0]
      start = range.upperBound
      return tensor.edge { $0.rows(in: range) }
    }
    return y.recorded("concatenated", edges: edges)
  }
}
