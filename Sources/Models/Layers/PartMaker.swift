import Autodiff
import Settings

/// Makes the parts of an encoder: freshly drawn ones, or zeros that a file's weights will replace.
///
/// It refuses to make more numbers than it was allowed: those that the file has, whatever the shapes
/// in it say, or those that memory holds.
public struct PartMaker {
  private var random: Random?
  let dtype: DType
  private var left: Int
  private let place: String

  /// Parts with drawn weights; with gradients and two moments a number takes 16 bytes.
  public init(random: Random, at place: String) {
    (self.random, dtype, self.place) = (random, .float32, place)
    left = MemoryBudget.current.bytes / 16
  }

  /// Parts for weights of a file of `count` numbers; a little more, so that what is missing is named.
  init(numbers count: Int, dtype: DType, at place: String) {
    (random, self.dtype, left, self.place) = (nil, dtype, 2 * count + 1_000_000, place)
  }

  private mutating func take(_ shape: [Int]) throws(Failure) {
    guard let count = MemoryBudget.product(shape + [16]), count / 16 <= left else {
      throw Failure(
        .badData, at: place, "a tensor of shape \(shape) is too large",
        expected: random == nil ? "what the file's tensors fill" : "what memory holds",
        remedy: random == nil ? "the weights are incomplete or of another architecture" : "")
    }
    left -= count / 16
  }

  /// Numbers from the normal distribution, or zeros.
  mutating func normal(_ shape: [Int], deviation: Double) throws(Failure) -> Tensor {
    try take(shape)
    guard var random else { return Tensor(zeros: shape, dtype: dtype) }
    defer { self.random = random }
    return Tensor(normal: shape, deviation: deviation, dtype: dtype, random: &random)
  }

  /// The same number everywhere.
  mutating func constant(_ value: Double, _ shape: [Int]) throws(Failure) -> Tensor {
    try take(shape)
    return Tensor(repeating: value, shape: shape, dtype: dtype)
  }

  /// Weights have the deviation √(2 / (kernel² outputs)), as torchvision draws them.
  mutating func convolution(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, _ surroundings: Surroundings? = nil,
    hasBias: Bool = false
  ) throws(Failure) -> Convolution {
    Convolution(
      weight: try normal(
        [outputs, kernel, kernel, inputs],
        deviation: (2 / Double(max(1, kernel * kernel * outputs))).squareRoot()),
      bias: hasBias ? try constant(0, [outputs]) : nil, stride: stride,
      surroundings: surroundings ?? .zeros(kernel / 2))
  }

  mutating func depthwise(
    width: Int, kernel: Int, stride: Int = 1, _ surroundings: Surroundings? = nil,
    hasBias: Bool = false
  ) throws(Failure) -> DepthwiseConvolution {
    DepthwiseConvolution(
      weight: try normal(
        [kernel, kernel, width], deviation: (2 / Double(max(1, kernel * kernel))).squareRoot()),
      bias: hasBias ? try constant(0, [width]) : nil, stride: stride,
      surroundings: surroundings ?? .zeros(kernel / 2))
  }

  mutating func batchNorm(width: Int, epsilon: Double = 1e-5) throws(Failure) -> BatchNorm {
    try take([width, 4])
    return BatchNorm(width: width, epsilon: epsilon, dtype: dtype)
  }

  mutating func layerNorm(width: Int, epsilon: Double) throws(Failure) -> LayerNorm {
    try take([width, 2])
    return LayerNorm(width: width, epsilon: epsilon, dtype: dtype)
  }

  /// Weights have the deviation 0.02, as timm draws a transformer's.
  mutating func linear(
    inputs: Int, outputs: Int, hasBias: Bool = true
  ) throws(Failure) -> LinearMap {
    let weight = try normal([outputs, inputs], deviation: 0.02)
    if hasBias { try take([outputs]) }
    var map = LinearMap(inputs: 0, outputs: outputs, hasBias: hasBias, dtype: dtype)
    map.weight = weight
    return map
  }

  mutating func normalized(
    inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, _ surroundings: Surroundings? = nil,
    epsilon: Double = 1e-5
  ) throws(Failure) -> NormalizedConvolution<Convolution> {
    NormalizedConvolution(
      convolution: try convolution(
        inputs: inputs, outputs: outputs, kernel: kernel, stride: stride, surroundings),
      norm: try batchNorm(width: outputs, epsilon: epsilon))
  }
}
