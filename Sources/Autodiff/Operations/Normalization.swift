/// A normalised batch with the statistics that it was normalised by.
public typealias BatchNormalized = (y: Tensor, mean: Tensor, variance: Tensor)

/// Batch normalisation as in training: y = (x - mean) / √(variance + ε) · scale + shift, with the
/// mean and the biased variance of this batch over all axes but the last.
///
/// The gradient goes through the statistics; the returned `mean` and `variance` ([channels], for
/// running averages) carry none themselves.
///
/// Source: Ioffe and Szegedy, 2015.
/// - Parameters:
///   - x: [..., channels].
///   - scale, shift: [channels].
public func batchNormalization(
  _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Double = 1e-5
) -> BatchNormalized {
  checkChannels("batchNormalization", x, [scale, shift])
  let statistics = BatchStatistics(x.detached, epsilon: epsilon)
  let (factor, offset) = statistics.line(scale: scale.detached, shift: shift.detached)
  let y = x.scaledAndShifted(factor, offset)
  let (input, gain) = (x.detached, scale.detached)
  let sums = SharedPullback { statistics.sums($0, input) }
  return (
    y.recorded(
      "batchNormalization",
      x.edge { statistics.inputGradient($0, input, scale: gain, sums($0)) },
      scale.edge { sums($0).product * statistics.inverse },
      shift.edge { sums($0).sum }),
    statistics.mean, statistics.variance
  )
}

/// Normalisation by given statistics, as in inference:
/// y = (x - mean) / √(variance + ε) · scale + shift.
///
/// Differentiable in `x`, `scale` and `shift`; the statistics are constants.
/// - Parameters:
///   - x: [..., channels].
///   - mean, variance, scale, shift: [channels].
public func normalization(
  _ x: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor,
  epsilon: Double = 1e-5
) -> Tensor {
  checkChannels("normalization", x, [mean, variance, scale, shift])
  let statistics = BatchStatistics(mean: mean, variance: variance, epsilon: epsilon)
  let (factor, offset) = statistics.line(scale: scale.detached, shift: shift.detached)
  let input = x.detached
  let sums = SharedPullback { statistics.sums($0, input) }
  return x.scaledAndShifted(factor, offset).recorded(
    "normalization",
    x.edge { $0.scaledAndShifted(factor, Tensor(zeros: factor.shape, dtype: factor.dtype)) },
    scale.edge { sums($0).product * statistics.inverse },
    shift.edge { sums($0).sum })
}

package func checkChannels(_ name: StaticString, _ x: Tensor, _ values: [Tensor]) {
  precondition(
    !x.shape.isEmpty && values.allSatisfy { $0.shape == [x.columns] && $0.dtype == x.dtype },
    "\(name): \(values.map(\.shape)) do not fit \(x.shape) \(x.dtype)")
}

/// The statistics of each channel, and what follows from them; none of it is recorded.
package struct BatchStatistics: Sendable {
  package let mean, variance: Tensor
  /// 1 / √(variance + ε).
  package let inverse: Tensor

  package init(mean: Tensor, variance: Tensor, epsilon: Double) {
    (self.mean, self.variance) = (mean.detached, variance.detached)
    let one = Tensor(repeating: 1, shape: mean.shape, dtype: mean.dtype)
    inverse = one / squareRoot(self.variance.shifted(by: epsilon))
  }

  package init(_ x: Tensor, epsilon: Double) {
    let (mean, variance) = x.moments()
    self.init(mean: mean, variance: variance, epsilon: epsilon)
  }

  /// The factor and the offset that normalise, scale and shift in one go.
  package func line(scale: Tensor, shift: Tensor) -> (factor: Tensor, offset: Tensor) {
    let factor = inverse * scale
    return (factor, shift - mean * factor)
  }

  /// Σ g and Σ g (x - mean) for each channel.
  package func sums(_ cotangent: Tensor, _ x: Tensor) -> (sum: Tensor, product: Tensor) {
    func run<S: Scalar>(_: S.Type) -> (Tensor, Tensor) {
      twoTensors(like: mean) { (sum: UnsafeMutableBufferPointer<S>, product) in
        S.cotangentSums(sum, product, cotangent, x, mean, rows: x.rowCount, columns: x.columns)
      }
    }
    return x.dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// scale / √(variance + ε) · (g - mean(g) - x̂ mean(g x̂)), written as g a + x b + c.
  package func inputGradient(
    _ cotangent: Tensor, _ x: Tensor, scale: Tensor, _ sums: (sum: Tensor, product: Tensor)
  ) -> Tensor {
    let (a, b, c) = inputGradientLine(scale: scale, rows: x.rowCount, sums)
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: x.shape, of: S.self) { y in
        S.combination(y, cotangent, a, x, b, c, rows: x.rowCount, columns: x.columns)
      }
    }
    return x.dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The numbers a, b and c of ``inputGradient(_:_:scale:_:)``.
  package func inputGradientLine(
    scale: Tensor, rows: Int, _ sums: (sum: Tensor, product: Tensor)
  ) -> (a: Tensor, b: Tensor, c: Tensor) {
    let a = scale * inverse
    let share = 1 / Double(max(1, rows))
    let b = (a * inverse * inverse * sums.product).scaled(by: -share)
    return (a, b, (a * sums.sum).scaled(by: -share) - b * mean)
  }
}

extension Tensor {
  /// x factor + offset, a factor and an offset for each column; not recorded.
  package func scaledAndShifted(_ factor: Tensor, _ offset: Tensor) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      Tensor(shape: shape, of: S.self) {
        S.scaleAndShift($0, self, factor, offset, rows: rowCount, columns: columns)
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The mean and the biased variance of each column; not recorded.
  package func moments() -> (mean: Tensor, variance: Tensor) {
    func run<S: Scalar>(_: S.Type) -> (Tensor, Tensor) {
      var variance = Tensor(zeros: [columns], dtype: dtype)
      let mean = variance.updateElements(of: S.self) { variance in
        Tensor(shape: [columns], of: S.self) { mean in
          S.moments(mean, variance, self, rows: rowCount, columns: columns)
        }
      }
      return (mean, variance)
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
