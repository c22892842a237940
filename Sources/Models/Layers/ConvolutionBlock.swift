import Autodiff

/// 3×3 convolution, batch normalisation, ReLU and 2×2 max-pooling.
///
/// x is [items, height, width, inputs]; the result is [items, ⌊height/2⌋, ⌊width/2⌋, outputs].
/// The convolution has no bias, since the normalisation would take it away again.
/// - Reference: Ioffe and Szegedy, *Batch Normalization* (2015); the block is that of Vinyals et
///   al., *Matching Networks for One Shot Learning* (2016).
public struct ConvolutionBlock: Layer {
  /// [outputs, 3, 3, inputs]
  public var weight: Tensor
  /// What normalised channels are multiplied by, and what is added to them.
  public var scale, shift: Tensor
  public var runningMean, runningVariance: Tensor

  /// Draws the weights uniformly from ±1/√(9 inputs), as PyTorch's `Conv2d` does.
  public init(inputs: Int, outputs: Int, random: inout Random) {
    let bound = 1 / Double(9 * inputs).squareRoot()
    weight = Tensor(
      uniform: [outputs, 3, 3, inputs], bound: bound, dtype: .float32, random: &random)
    scale = Tensor(repeating: 1, shape: [outputs], dtype: .float32)
    shift = Tensor(zeros: [outputs], dtype: .float32)
    runningMean = Tensor(zeros: [outputs], dtype: .float32)
    runningVariance = Tensor(repeating: 1, shape: [outputs], dtype: .float32)
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    let x = convolution(input, weight: weight)
    guard pass.isTraining else {
      return normalizedReluPooled(
        x, mean: runningMean, variance: runningVariance, scale: scale, shift: shift)
    }
    let (y, mean, variance) = normalizedReluPooled(x, scale: scale, shift: shift)
    let count = Double(x.shape.dropLast().reduce(1, *))
    // Running variances are unbiased, as in PyTorch; the batch itself is normalised by the biased.
    pass.observe(mean, variance.scaled(by: count / max(1, count - 1)))
    return y
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    try body("scale", &scale)
    try body("shift", &shift)
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("runningMean", &runningMean)
    try body("runningVariance", &runningVariance)
  }
}
