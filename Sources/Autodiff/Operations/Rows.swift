// Operations on rows: the last axis is a row, all axes before it count the rows.

extension Tensor {
  /// The length of the last axis.
  var columns: Int { shape.last ?? 1 }
  /// How many rows there are.
  var rowCount: Int { shape.dropLast().reduce(1, *) }

  /// Adds `bias` to each row.
  ///
  /// - Parameter bias: [columns], where `self` is [..., columns].
  public func addingToRows(_ bias: Tensor) -> Tensor {
    precondition(
      !shape.isEmpty && bias.shape == [columns] && bias.dtype == dtype,
      "addingToRows: \(bias.shape) \(bias.dtype) does not fit rows of \(shape) \(dtype)")
    let y = scaledAndShifted(
      Tensor(repeating: 1, shape: bias.shape, dtype: dtype), bias.detached)
    return y.recorded(
      "addingToRows", edge { $0 },
      bias.edge { [columns] in
        $0.reshaped(to: [$0.count / max(1, columns), columns]).sumOverRows()
      })
  }

  /// Multiplies each row with `factor`, element by element.
  ///
  /// - Parameter factor: [columns], where `self` is [..., columns].
  public func multiplyingRows(by factor: Tensor) -> Tensor {
    precondition(
      !shape.isEmpty && factor.shape == [columns] && factor.dtype == dtype,
      "multiplyingRows: \(factor.shape) \(factor.dtype) does not fit rows of \(shape) \(dtype)")
    let (input, gain) = (detached, factor.detached)
    let zeros = Tensor(zeros: gain.shape, dtype: dtype)
    return input.scaledAndShifted(gain, zeros).recorded(
      "multiplyingRows", edge { $0.scaledAndShifted(gain, zeros) },
      factor.edge {
        ($0 * input).reshaped(to: [input.rowCount, input.columns]).sumOverRows()
      })
  }

  /// The sum of all rows: [columns], where `self` is [rows, columns].
  public func sumOverRows() -> Tensor {
    precondition(shape.count == 2, "sumOverRows: expected a matrix, not shape \(shape)")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [columns], of: S.self) { y in
          S.sumOverRows(y, x, rows: rowCount, columns: columns)
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "sumOverRows",
      edge { [shape] in Tensor(zeros: shape, dtype: $0.dtype).addingToRows($0) })
  }

  /// The sum of each row: [rows], where `self` is [rows, columns].
  public func sumOverColumns() -> Tensor {
    precondition(shape.count == 2, "sumOverColumns: expected a matrix, not shape \(shape)")
    let columns = columns
    let ones = Tensor(repeating: 1, shape: [columns, 1], dtype: dtype)
    return times(ones).reshaped(to: [rowCount])
  }

  /// Each row divided by its Euclidean length: y = x / max(‖x‖, 1e-12).
  ///
  /// The gradient is (g - y ⟨y, g⟩) / ‖x‖. A row shorter than 1e-12 has no direction: its gradient
  /// is 0 (the formula for max would give g / 1e-12, which no step survives).
  public func normalizedRows() -> Tensor {
    precondition(!shape.isEmpty, "normalizedRows: expected rows, not shape []")
    func run<S: Scalar>(_: S.Type) -> (Tensor, Tensor) {
      var length = Tensor(zeros: [rowCount], dtype: dtype)
      let y = withElements(of: S.self) { x in
        length.updateElements(of: S.self) { length in
          Tensor(shape: shape, of: S.self) { y in
            S.normalizeRows(y, length, x, rows: rowCount, columns: columns)
          }
        }
      }
      return (y, length)
    }
    let (y, length) = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "normalizedRows",
      scaledEdge {
        Cotangent($0.tensor.normalizedRowsGradient(result: y, length: length, times: $0.factor))
      })
  }

  private func normalizedRowsGradient(
    result y: Tensor, length: Tensor, times factor: Double
  ) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { g in
        y.withElements(of: S.self) { y in
          length.withElements(of: S.self) { length in
            Tensor(shape: shape, of: S.self) {
              S.normalizeRowsGradient(
                $0, g, y, length, times: factor, rows: rowCount, columns: columns)
            }
          }
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
