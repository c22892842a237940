import Autodiff

/// Batch normalisation over all axes but the last, with its scale, shift and running statistics.
///
/// In training y = (x − mean) / √(variance + ε) · weight + bias by the batch's statistics, in
/// inference, or frozen, by the running ones.
/// - Reference: Ioffe and Szegedy, *Batch Normalization* (2015).
public struct BatchNorm: Layer {
  public var weight, bias: Tensor
  public var runningMean, runningVariance: Tensor
  public let epsilon: Double
  /// Whether the running statistics are used, and stay as they are, in training too.
  public var isFrozen = false

  public init(width: Int, epsilon: Double = 1e-5, dtype: DType = .float32) {
    weight = Tensor(repeating: 1, shape: [width], dtype: dtype)
    bias = Tensor(zeros: [width], dtype: dtype)
    runningMean = Tensor(zeros: [width], dtype: dtype)
    runningVariance = Tensor(repeating: 1, shape: [width], dtype: dtype)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    guard pass.isTraining, !isFrozen else {
      if pass.isTraining { pass.keepStatistics(2) }
      return normalization(
        input, mean: runningMean, variance: runningVariance, scale: weight, shift: bias,
        epsilon: epsilon)
    }
    let (y, mean, variance) = batchNormalization(
      input, scale: weight, shift: bias, epsilon: epsilon)
    let count = Double(input.shape.dropLast().reduce(1, *))
    // Running variances are unbiased, as in PyTorch; the batch itself is normalised by the biased.
    pass.observe(mean, variance.scaled(by: count / max(1, count - 1)))
    return y
  }

  /// The factor and the offset that normalise, scale and shift by the running statistics.
  var line: (factor: Tensor, offset: Tensor) {
    let one = Tensor(repeating: 1, shape: weight.shape, dtype: weight.dtype)
    let factor = weight.detached * (one / squareRoot(runningVariance.shifted(by: epsilon)))
    return (factor, bias.detached - runningMean * factor)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    try body("bias", &bias)
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("runningMean", &runningMean)
    try body("runningVariance", &runningVariance)
  }
}
