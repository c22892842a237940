import Foundation

// Operations on sequences: [tokens, width], the tokens of one text after those of another, without
// padding; `lengths` says how many each text has.

extension Tensor {
  /// For each sequence the sum of some rows of this table, each times a weight.
  ///
  /// yₛ = Σᵢ weightᵢ · row(indexᵢ) over the i of sequence s: an embedding bag, and with the indices
  /// 0, 1, 2 … any kind of mean over a sequence.
  /// - Parameters:
  ///   - indices: rows of this table [rows, width], sequence after sequence.
  ///   - lengths: how many indices each sequence has; none gives zeros.
  /// - Returns: [sequences, width].
  public func weightedRowSums(
    at indices: [Int], weights: [Double], lengths: [Int]
  ) -> Tensor {
    precondition(
      shape.count == 2 && indices.count == weights.count
        && lengths.reduce(0, +) == indices.count
        && indices.allSatisfy { $0 >= 0 && $0 < shape[0] },
      "weightedRowSums: \(indices.count) indices and \(weights.count) weights do not fit \(shape)")
    let (width, starts) = (shape[1], starts(of: lengths))
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [lengths.count, width], of: S.self) { y in
          Parallel.forEachRange(lengths.count, grain: 16) { range in
            for s in range {
              for j in 0..<width { y[s * width + j] = 0 }
              for i in starts[s]..<starts[s] + lengths[s] {
                let (row, weight) = (indices[i] * width, S(weights[i]))
                for j in 0..<width { y[s * width + j] += weight * x[row + j] }
              }
            }
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "weightedRowSums",
      edge { [shape] g in
        func run<S: Scalar>(_: S.Type) -> Tensor {
          var dx = Tensor(zeros: shape, dtype: S.dtype)
          g.withElements(of: S.self) { g in
            dx.updateElements(of: S.self) { dx in
              for s in lengths.indices {
                for i in starts[s]..<starts[s] + lengths[s] {
                  let (row, weight) = (indices[i] * width, S(weights[i]))
                  for j in 0..<width { dx[row + j] += weight * g[s * width + j] }
                }
              }
            }
          }
          return dx
        }
        return g.dtype == .float32 ? run(Float.self) : run(Double.self)
      })
  }

  /// The largest element of each column over each sequence; the gradient goes to the first that
  /// has it.
  ///
  /// - Parameters:
  ///   - ranges: the rows of each sequence that count; none gives zeros.
  /// - Returns: [sequences, width].
  public func rowMaxima(in ranges: [Range<Int>]) -> Tensor {
    precondition(
      shape.count == 2 && ranges.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= shape[0] },
      "rowMaxima: the ranges do not fit \(shape)")
    let width = shape[1]
    var winners = [Int](repeating: -1, count: ranges.count * width)
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [ranges.count, width], of: S.self) { y in
          for (s, range) in ranges.enumerated() {
            for j in 0..<width {
              var best = range.first ?? -1
              for i in range where x[i * width + j] > x[best * width + j] { best = i }
              winners[s * width + j] = best
              y[s * width + j] = best < 0 ? 0 : x[best * width + j]
            }
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "rowMaxima",
      edge { [shape, winners] g in
        func run<S: Scalar>(_: S.Type) -> Tensor {
          var dx = Tensor(zeros: shape, dtype: S.dtype)
          g.withElements(of: S.self) { g in
            dx.updateElements(of: S.self) { dx in
              for (k, row) in winners.enumerated() where row >= 0 {
                dx[row * width + k % width] += g[k]
              }
            }
          }
          return dx
        }
        return g.dtype == .float32 ? run(Float.self) : run(Double.self)
      })
  }

  /// Some columns of a matrix.
  public func columns(in range: Range<Int>) -> Tensor {
    precondition(
      shape.count == 2 && range.lowerBound >= 0 && range.upperBound <= shape[1],
      "columns: \(range) lies outside \(shape)")
    let (rows, width) = (shape[0], shape[1])
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: [rows, range.count], of: S.self) { y in
          for i in 0..<rows {
            for (k, j) in range.enumerated() { y[i * range.count + k] = x[i * width + j] }
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "columns",
      edge { [shape] g in
        func run<S: Scalar>(_: S.Type) -> Tensor {
          var dx = Tensor(zeros: shape, dtype: S.dtype)
          g.withElements(of: S.self) { g in
            dx.updateElements(of: S.self) { dx in
              for i in 0..<rows {
                for (k, j) in range.enumerated() { dx[i * width + j] = g[i * range.count + k] }
              }
            }
          }
          return dx
        }
        return g.dtype == .float32 ? run(Float.self) : run(Double.self)
      })
  }

  /// Turns pairs of columns of each head by an angle that grows with the position.
  ///
  /// With halves (a, b) of a head: (a cos − b sin, b cos + a sin) at angle position / θ^(2j/d).
  /// - Parameters:
  ///   - positions: one for each row of this [tokens, heads × d].
  /// - Reference: Su et al., *RoFormer* (2021).
  public func rotated(positions: [Int], heads: Int, theta: Double) -> Tensor {
    precondition(
      shape.count == 2 && positions.count == shape[0] && heads > 0
        && shape[1] % (2 * heads) == 0,
      "rotated: \(positions.count) positions and \(heads) heads do not fit \(shape)")
    return rotated(positions: positions, heads: heads, theta: theta, sign: 1)
  }

  private func rotated(positions: [Int], heads: Int, theta: Double, sign: Double) -> Tensor {
    let width = shape[1]
    let size = width / heads
    let half = size / 2
    let last = positions.max() ?? 0
    let rates = (0..<half).map { pow(theta, -2 * Double($0) / Double(size)) }
    func run<S: Scalar>(_: S.Type) -> Tensor {
      var table: [S] = []
      table.reserveCapacity((last + 1) * size)
      for p in 0...last {
        for j in 0..<half {
          let angle = Double(p) * rates[j]
          table.append(S(Foundation.cos(angle)))
          table.append(S(sign * Foundation.sin(angle)))
        }
      }
      return withElements(of: S.self) { x in
        Tensor(shape: shape, of: S.self) { y in
          Parallel.forEachRange(positions.count, grain: 32) { range in
            for i in range {
              for head in 0..<heads {
                let base = i * width + head * size
                for j in 0..<half {
                  let cos = table[positions[i] * size + 2 * j]
                  let sin = table[positions[i] * size + 2 * j + 1]
                  let (a, b) = (x[base + j], x[base + half + j])
                  y[base + j] = a * cos - b * sin
                  y[base + half + j] = b * cos + a * sin
                }
              }
            }
          }
        }
      }
    }
    let y = dtype == .float32 ? run(Float.self) : run(Double.self)
    return y.recorded(
      "rotated",
      edge { $0.rotated(positions: positions, heads: heads, theta: theta, sign: -sign) })
  }
}

/// Where each sequence begins.
func starts(of lengths: [Int]) -> [Int] {
  var starts: [Int] = []
  var sum = 0
  for length in lengths {
    starts.append(sum)
    sum += length
  }
  return starts
}
