/// Batch normalisation, ReLU and 2×2 max pooling as one operation, as in training.
///
/// The same as ``batchNormalization(_:scale:shift:epsilon:)``, ``relu(_:)`` and
/// ``maxPool2x2(_:)`` in that order, but only `x` and a byte for each result are kept.
/// - Parameters:
///   - x: [images, height, width, channels].
///   - scale, shift: [channels].
public func normalizedReluPooled(
  _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Double = 1e-5
) -> BatchNormalized {
  checkChannels("normalizedReluPooled", x, [scale, shift])
  let statistics = BatchStatistics(x.detached, epsilon: epsilon)
  let (y, places) = pooled(x, statistics, scale: scale, shift: shift)
  let (input, gain) = (x.detached, scale.detached)
  let sums = SharedPullback { pooledSums($0, places, input, mean: statistics.mean) }
  return (
    y.recorded(
      "normalizedReluPooled",
      x.edge {
        let line = statistics.inputGradientLine(scale: gain, rows: input.rowCount, sums($0))
        return pooledGradient($0, places, input, line)
      },
      scale.edge { sums($0).product * statistics.inverse },
      shift.edge { sums($0).sum }),
    statistics.mean, statistics.variance
  )
}

/// Normalisation by given statistics, ReLU and 2×2 max pooling as one operation, as in inference.
public func normalizedReluPooled(
  _ x: Tensor, mean: Tensor, variance: Tensor, scale: Tensor, shift: Tensor,
  epsilon: Double = 1e-5
) -> Tensor {
  checkChannels("normalizedReluPooled", x, [mean, variance, scale, shift])
  let statistics = BatchStatistics(mean: mean, variance: variance, epsilon: epsilon)
  let (y, places) = pooled(x, statistics, scale: scale, shift: shift)
  let (input, gain) = (x.detached, scale.detached)
  let sums = SharedPullback { pooledSums($0, places, input, mean: statistics.mean) }
  return y.recorded(
    "normalizedReluPooled",
    x.edge {
      let zeros = Tensor(zeros: gain.shape, dtype: gain.dtype)
      return pooledGradient($0, places, input, (statistics.inverse * gain, zeros, zeros))
    },
    scale.edge { sums($0).product * statistics.inverse },
    shift.edge { sums($0).sum })
}

private func pooled(
  _ x: Tensor, _ statistics: BatchStatistics, scale: Tensor, shift: Tensor
) -> (y: Tensor, places: Places) {
  precondition(x.shape.count == 4, "normalizedReluPooled: expected images, not shape \(x.shape)")
  let shape = [x.shape[0], x.shape[1] / 2, x.shape[2] / 2, x.shape[3]]
  let places = Places(count: shape.reduce(1, *))
  let (factor, offset) = statistics.line(scale: scale.detached, shift: shift.detached)
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: shape, of: S.self) { S.pool($0, places, x, factor, offset) }
  }
  return (x.dtype == .float32 ? run(Float.self) : run(Double.self), places)
}

/// Σ g and Σ g (x - mean) for each channel, over the places that have a gradient.
private func pooledSums(
  _ cotangent: Tensor, _ places: Places, _ x: Tensor, mean: Tensor
) -> (sum: Tensor, product: Tensor) {
  func run<S: Scalar>(_: S.Type) -> (Tensor, Tensor) {
    twoTensors(like: mean) { (sum: UnsafeMutableBufferPointer<S>, product) in
      S.poolSums(sum, product, cotangent, places, x, mean)
    }
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

/// g a + x b + c, where g is the cotangent at its place and 0 elsewhere.
private func pooledGradient(
  _ cotangent: Tensor, _ places: Places, _ x: Tensor, _ line: (a: Tensor, b: Tensor, c: Tensor)
) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: x.shape, of: S.self) {
      S.poolGradient($0, cotangent, places, x, line.a, line.b, line.c)
    }
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

/// Two tensors of the shape of `model` that `body` writes.
package func twoTensors<S: Scalar>(
  like model: Tensor,
  _ body: (UnsafeMutableBufferPointer<S>, UnsafeMutableBufferPointer<S>) -> Void
) -> (Tensor, Tensor) {
  var second = Tensor(zeros: model.shape, dtype: model.dtype)
  let first = second.updateElements(of: S.self) { second in
    Tensor(shape: model.shape, of: S.self) { body($0, second) }
  }
  return (first, second)
}
