import Autodiff
import Settings

/// How deep and how wide the stages of a ConvNeXt are.
public struct ConvNeXtShape: Sendable, Equatable {
  public var channels = 3
  /// The side of the first convolution's kernel, which is its stride.
  public var patch = 4
  /// The side of the depthwise kernels.
  public var kernel = 7
  public var depths, widths: [Int]
  public var epsilon = 1e-6

  public init(depths: [Int], widths: [Int]) { (self.depths, self.widths) = (depths, widths) }
}

/// A convolutional network in the manner of transformers.
///
/// A block gives x + γ W₂ GELU(W₁ LN(depthwise(x))); stages begin with a normalisation and a 2×2
/// convolution with stride 2. The features are the normalised mean of the last map.
/// - Reference: Liu et al., *A ConvNet for the 2020s* (2022).
public struct ConvNeXt: ImageEncoder {
  public let shape: ConvNeXtShape
  private var stem: Convolution
  private var stemNorm: LayerNorm
  private var downsamplings: [Downsampling?]
  private var stages: [[ConvNeXtBlock]]
  private var norm: LayerNorm

  public init(_ shape: ConvNeXtShape, _ maker: inout PartMaker) throws(Failure) {
    self.shape = shape
    let widths = shape.widths
    stem = try maker.convolution(
      inputs: shape.channels, outputs: widths[0], kernel: shape.patch, stride: shape.patch,
      .zeros(0), hasBias: true)
    stemNorm = try maker.layerNorm(width: widths[0], epsilon: shape.epsilon)
    (downsamplings, stages) = ([], [])
    for (stage, width) in widths.enumerated() {
      downsamplings.append(
        stage == 0
          ? nil
          : Downsampling(
            norm: try maker.layerNorm(width: widths[stage - 1], epsilon: shape.epsilon),
            convolution: try maker.convolution(
              inputs: widths[stage - 1], outputs: width, kernel: 2, stride: 2, .zeros(0),
              hasBias: true)))
      var blocks: [ConvNeXtBlock] = []
      for _ in 0..<shape.depths[stage] {
        blocks.append(
          ConvNeXtBlock(
            depthwise: try maker.depthwise(width: width, kernel: shape.kernel, hasBias: true),
            norm: try maker.layerNorm(width: width, epsilon: shape.epsilon),
            expand: try maker.linear(inputs: width, outputs: 4 * width),
            contract: try maker.linear(inputs: 4 * width, outputs: width),
            gamma: try maker.constant(1e-6, [width])))
      }
      stages.append(blocks)
    }
    norm = try maker.layerNorm(width: widths.last ?? 0, epsilon: shape.epsilon)
  }

  public var channels: Int { shape.channels }
  public var featureCount: Int { shape.widths.last ?? 0 }
  public var smallestSide: Int { shape.patch << (shape.widths.count - 1) }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    var x = stemNorm(stem(input))
    for (downsampling, blocks) in zip(downsamplings, stages) {
      if let downsampling { x = downsampling.convolution(downsampling.norm(x)) }
      for block in blocks { x = block(x) }
    }
    return norm(meanOverPixels(x))
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("stem", &stem, body)
    try update("stemNorm", &stemNorm, body)
    for s in stages.indices {
      try update("stages.\(s).downsampling", &downsamplings[s], body)
      for i in stages[s].indices { try update("stages.\(s).blocks.\(i)", &stages[s][i], body) }
    }
    try update("norm", &norm, body)
  }
}

private struct Downsampling: Parameterized {
  var norm: LayerNorm
  var convolution: Convolution

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("norm", &norm, body)
    try update("convolution", &convolution, body)
  }
}

private struct ConvNeXtBlock: Parameterized {
  var depthwise: DepthwiseConvolution
  var norm: LayerNorm
  var expand, contract: LinearMap
  /// [width].
  var gamma: Tensor

  func callAsFunction(_ x: Tensor) -> Tensor {
    let y = contract(gelu(expand(norm(depthwise(x)))))
    return x + y.multiplyingRows(by: gamma)
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("depthwise", &depthwise, body)
    try update("norm", &norm, body)
    try update("expand", &expand, body)
    try update("contract", &contract, body)
    try body("gamma", &gamma)
  }
}
