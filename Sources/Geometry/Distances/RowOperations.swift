import Autodiff

extension Tensor {
  /// Each row divided by max(‖row‖, 10⁻¹²).
  ///
  /// The gradient is (g - y (y·g)) / ‖x‖, and 0 for a row that is not longer than 10⁻¹².
  public func withUnitRows() -> Tensor {
    let (unit, lengths) =
      dtype == .float32 ? unitRows(self, Float.self) : unitRows(self, Double.self)
    return unit.recorded(
      "withUnitRows",
      scaledEdge {
        Cotangent(
          unit.dtype == .float32
            ? unitRowsPullback(consume $0, unit, lengths, Float.self)
            : unitRowsPullback(consume $0, unit, lengths, Double.self))
      })
  }

  /// Each row minus the mean of its elements.
  package func withCenteredRows() -> Tensor {
    centered(self).recorded("withCenteredRows", edge { centered($0) })
  }

  /// This matrix times its own transpose: every product of two rows.
  public func timesOwnTranspose() -> Tensor {
    let x = detached
    return x.ownProducts().recorded(
      "timesOwnTranspose",
      scaledEdge { Cotangent($0.tensor.plusTransposeTimes(x).product, times: $0.factor) })
  }

  /// Each row times a number of its own, without history.
  package func scalingRows(by factors: [Double]) -> Tensor {
    let (n, m) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [n, m], of: S.self) { y in
          Parallel.forEachRange(n, grain: grain(columns: m)) { rows in
            for i in rows {
              let factor = S(factors[i])
              for j in i * m..<(i + 1) * m { y[j] = x[j] * factor }
            }
          }
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The inner product of each row with the same row of another matrix.
  package func rowProducts(with other: Tensor) -> [Double] {
    let (n, m) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> [Double] {
      withElements(of: S.self) { x in
        other.withElements(of: S.self) { y in
          var sums = [Double](repeating: 0, count: n)
          sums.withUnsafeMutableBufferPointer { sums in
            Parallel.forEachRange(n, grain: grain(columns: m)) { rows in
              for i in rows {
                var sum = 0.0
                for j in i * m..<(i + 1) * m { sum += Double(x[j]) * Double(y[j]) }
                sums[i] = sum
              }
            }
          }
          return sums
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

}

private let smallestLength = 1e-12

@specialized(where S == Float)
@specialized(where S == Double)
private func unitRows<S: Scalar>(_ x: Tensor, _: S.Type) -> (unit: Tensor, lengths: [Double]) {
  let (n, d) = (x.shape[0], x.shape[1])
  var lengths = [Double](repeating: 0, count: n)
  let kernels = RowKernels<S>()
  let unit = lengths.withUnsafeMutableBufferPointer { lengths in
    x.withElements(of: S.self) { x in
      Tensor(shape: [n, d], of: S.self) { y in
        guard let start = x.baseAddress, let target = y.baseAddress else { return }
        Parallel.forEachRange(n, grain: grain(columns: d)) { rows in
          for i in rows {
            let row = UnsafeBufferPointer(start: start + i * d, count: d)
            let square = kernels.innerProduct(start + i * d, start + i * d, d)
            // Beyond these the square has lost digits.
            let isExact = square > 1e-24 && square < 1e30
            lengths[i] = isExact ? square.squareRoot() : length(of: row)
            if isExact {
              kernels.scale(target + i * d, start + i * d, by: S(1 / lengths[i]), d)
            } else {
              let length = max(lengths[i], smallestLength)
              for j in 0..<d { y[i * d + j] = S(Double(row[j]) / length) }
            }
          }
        }
      }
    }
  }
  return (unit, lengths)
}

/// Rows of a piece of work.
package func grain(columns: Int) -> Int { max(16, 8192 / max(1, columns)) }

/// ‖x‖ in double precision, also where the sum of squares would overflow or vanish.
private func length<S: Scalar>(of x: UnsafeBufferPointer<S>) -> Double {
  var sum = 0.0
  for value in x { sum += Double(value) * Double(value) }
  if sum > 1e-200, sum < 1e200 { return sum.squareRoot() }
  let largest = x.reduce(0.0) { max($0, abs(Double($1))) }
  guard largest > 0, largest.isFinite else { return largest }
  sum = x.reduce(0.0) { $0 + (Double($1) / largest) * (Double($1) / largest) }
  return largest * sum.squareRoot()
}

@specialized(where S == Float)
@specialized(where S == Double)
private func unitRowsPullback<S: Scalar>(
  _ cotangent: consuming Cotangent, _ unit: Tensor, _ lengths: [Double], _: S.Type
) -> Tensor {
  let (n, d) = (unit.shape[0], unit.shape[1])
  let kernels = RowKernels<S>()
  let factor = cotangent.factor
  var derivative = (consume cotangent).tensor
  func write(_ result: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>) {
    unit.withElements(of: S.self) { y in
      guard let y = y.baseAddress else { return }
      Parallel.forEachRange(n, grain: grain(columns: d)) { rows in
        for i in rows {
          let start = i * d
          guard lengths[i] > smallestLength else {
            (result + start).update(repeating: 0, count: d)
            continue
          }
          kernels.unitRowGradient(
            result + start, g + start, unit: y + start, length: S(lengths[i]), times: factor, d)
        }
      }
    }
  }
  // Where it is, if it can be: there it is in the cache of the core that wrote it.
  guard derivative.isUnshared else {
    return derivative.withElements(of: S.self) { g in
      Tensor(shape: [n, d], of: S.self) { result in
        if let result = result.baseAddress, let g = g.baseAddress { write(result, g) }
      }
    }
  }
  derivative.updateElements(of: S.self) { g in
    if let g = g.baseAddress { write(g, g) }
  }
  return derivative
}

private func centered(_ x: Tensor) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let (n, d) = (x.shape[0], x.shape[1])
    return x.withElements(of: S.self) { x in
      Tensor(shape: [n, d], of: S.self) { y in
        Parallel.forEachRange(n, grain: grain(columns: d)) { rows in
          for i in rows {
            var sum = 0.0
            for j in i * d..<(i + 1) * d { sum += Double(x[j]) }
            let mean = sum / Double(d)
            for j in i * d..<(i + 1) * d { y[j] = S(Double(x[j]) - mean) }
          }
        }
      }
    }
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}
