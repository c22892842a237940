/// Each row brought to mean 0 and variance 1, then scaled and shifted.
///
/// y = (x − mean) / √(variance + ε) · scale + shift, with the population variance of the row.
/// - Parameters:
///   - x: [..., columns].
///   - scale: [columns].
///   - shift: [columns], or nil for none.
/// - Complexity: O(elements); the row's statistics are kept for the gradient.
/// - Reference: Ba, Kiros and Hinton, *Layer Normalization* (2016).
public func layerNormalization(
  _ x: Tensor, scale: Tensor, shift: Tensor? = nil, epsilon: Double
) -> Tensor {
  precondition(
    !x.shape.isEmpty && scale.shape == [x.columns] && scale.dtype == x.dtype
      && shift.map { $0.shape == scale.shape && $0.dtype == x.dtype } ?? true,
    "layerNormalization: \(x.shape) and a scale of shape \(scale.shape) do not fit")
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let work = LayerNormalizationWork(of: S.self, x, scale)
    let (y, statistics) = work.forward(shift: shift, epsilon: epsilon)
    let pullback = SharedPullback { work.backward($0, statistics) }
    return y.recorded(
      "layerNormalization", x.edge { pullback($0).x }, scale.edge { pullback($0).scale },
      shift?.edge { pullback($0).shift })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

private struct LayerNormalizationWork<S: Scalar>: Sendable {
  let x, scale: Tensor
  let rows, columns: Int
  /// Rows that one piece of work goes through; sums over rows are made by pieces.
  static var grain: Int { 32 }

  init(of _: S.Type, _ x: Tensor, _ scale: Tensor) {
    (self.x, self.scale) = (x.detached, scale.detached)
    (rows, columns) = (x.rowCount, x.columns)
  }

  /// The result, and the mean and 1 / deviation of each row.
  func forward(shift: Tensor?, epsilon: Double) -> (y: Tensor, statistics: Tensor) {
    var statistics = Tensor(zeros: [rows, 2], dtype: S.dtype)
    let shift = shift?.detached ?? Tensor(zeros: [columns], dtype: S.dtype)
    let y = statistics.updateElements(of: S.self) { statistics in
      x.withElements(of: S.self) { x in
        scale.withElements(of: S.self) { scale in
          shift.withElements(of: S.self) { shift in
            Tensor(shape: self.x.shape, of: S.self) { y in
              Parallel.forEachRange(rows, grain: Self.grain) { range in
                for i in range {
                  let base = i * columns
                  var sum = S.zero
                  for j in 0..<columns { sum += x[base + j] }
                  let mean = sum / S(columns)
                  var squares = S.zero
                  for j in 0..<columns {
                    let d = x[base + j] - mean
                    squares += d * d
                  }
                  let rate = 1 / (squares / S(columns) + S(epsilon)).squareRoot()
                  for j in 0..<columns {
                    y[base + j] = (x[base + j] - mean) * rate * scale[j] + shift[j]
                  }
                  (statistics[2 * i], statistics[2 * i + 1]) = (mean, rate)
                }
              }
            }
          }
        }
      }
    }
    return (y, statistics)
  }

  /// The derivatives with respect to x, scale and shift.
  func backward(_ g: Tensor, _ statistics: Tensor) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let pieces = (rows + Self.grain - 1) / Self.grain
    var partial = Tensor(zeros: [max(1, pieces), 2 * columns], dtype: S.dtype)
    let dx = partial.updateElements(of: S.self) { partial in
      x.withElements(of: S.self) { x in
        g.withElements(of: S.self) { g in
          scale.withElements(of: S.self) { scale in
            statistics.withElements(of: S.self) { statistics in
              Tensor(shape: self.x.shape, of: S.self) { dx in
                Parallel.forEachRange(rows, grain: Self.grain) { range in
                  let sums = range.lowerBound / Self.grain * 2 * columns
                  for i in range {
                    let base = i * columns
                    let (mean, rate) = (statistics[2 * i], statistics[2 * i + 1])
                    var (first, second) = (S.zero, S.zero)
                    for j in 0..<columns {
                      let unit = (x[base + j] - mean) * rate
                      let d = g[base + j]
                      partial[sums + j] += d * unit
                      partial[sums + columns + j] += d
                      first += d * scale[j]
                      second += d * scale[j] * unit
                    }
                    first /= S(columns)
                    second /= S(columns)
                    for j in 0..<columns {
                      let unit = (x[base + j] - mean) * rate
                      dx[base + j] = rate * (g[base + j] * scale[j] - first - unit * second)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    let sums = partial.sumOverRows().reshaped(to: [2, columns])
    return (
      dx, sums.rows(in: 0..<1).reshaped(to: [columns]), sums.rows(in: 1..<2).reshaped(to: [columns])
    )
  }
}
