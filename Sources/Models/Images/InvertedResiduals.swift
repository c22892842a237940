import Autodiff
import Settings

/// The blocks of a MobileNetV2 or an EfficientNet-Lite.
public struct InvertedResidualsShape: Sendable, Equatable {
  public struct Block: Sendable, Equatable {
    /// Channels within the block; nil where nothing expands them.
    public var expanded: Int?
    public var kernel, stride, outputs: Int

    public init(expanded: Int?, kernel: Int, stride: Int, outputs: Int) {
      (self.expanded, self.kernel, self.stride) = (expanded, kernel, stride)
      self.outputs = outputs
    }
  }

  public var channels = 3
  public var stem: Int
  public var blocks: [Block]
  /// Filters of the last convolution.
  public var head: Int
  public var epsilon = 1e-5
  /// Whether maps are padded as TensorFlow does.
  public var padsAsTensorFlow = false

  public init(stem: Int, blocks: [Block], head: Int) {
    (self.stem, self.blocks, self.head) = (stem, blocks, head)
  }
}

/// A network of inverted residuals: 1×1 expansion, depthwise convolution, 1×1 projection.
///
/// Batch normalisation after each convolution and ReLU6 after all but the projection; what comes in is
/// added where the stride is 1 and the channels stay.
/// - Reference: Sandler et al., *MobileNetV2* (2018); Tan and Le, *EfficientNet* (2019) in its Lite
///   form, without squeeze and excitation.
public struct InvertedResiduals: ImageEncoder {
  public let shape: InvertedResidualsShape
  private var stem: NormalizedConvolution<Convolution>
  private var blocks: [InvertedResidualBlock]
  private var head: NormalizedConvolution<Convolution>

  public init(_ shape: InvertedResidualsShape, _ maker: inout PartMaker) throws(Failure) {
    self.shape = shape
    let around: Surroundings? = shape.padsAsTensorFlow ? .same : nil
    stem = try maker.normalized(
      inputs: shape.channels, outputs: shape.stem, kernel: 3, stride: 2, around,
      epsilon: shape.epsilon)
    blocks = []
    var inputs = shape.stem
    for block in shape.blocks {
      blocks.append(
        try InvertedResidualBlock(block, inputs: inputs, around, epsilon: shape.epsilon, &maker))
      inputs = block.outputs
    }
    head = try maker.normalized(
      inputs: inputs, outputs: shape.head, kernel: 1, epsilon: shape.epsilon)
  }

  public var channels: Int { shape.channels }
  public var featureCount: Int { shape.head }
  public var smallestSide: Int { 1 }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    var x = relu6(stem(input, in: &pass))
    for block in blocks { x = block(x, in: &pass) }
    return meanOverPixels(relu6(head(x, in: &pass)))
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("stem", &stem, body)
    for i in blocks.indices { try update("blocks.\(i)", &blocks[i], body) }
    try update("head", &head, body)
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateStatistics("stem", &stem, body)
    for i in blocks.indices { try updateStatistics("blocks.\(i)", &blocks[i], body) }
    try updateStatistics("head", &head, body)
  }
}

private struct InvertedResidualBlock: Layer {
  private var expand: NormalizedConvolution<Convolution>?
  private var depthwise: NormalizedConvolution<DepthwiseConvolution>
  private var project: NormalizedConvolution<Convolution>
  private let addsInput: Bool

  init(
    _ block: InvertedResidualsShape.Block, inputs: Int, _ around: Surroundings?, epsilon: Double,
    _ maker: inout PartMaker
  ) throws(Failure) {
    let width = block.expanded ?? inputs
    if let expanded = block.expanded {
      expand = try maker.normalized(
        inputs: inputs, outputs: expanded, kernel: 1, epsilon: epsilon)
    }
    depthwise = NormalizedConvolution(
      convolution: try maker.depthwise(
        width: width, kernel: block.kernel, stride: block.stride, around),
      norm: try maker.batchNorm(width: width, epsilon: epsilon))
    project = try maker.normalized(
      inputs: width, outputs: block.outputs, kernel: 1, epsilon: epsilon)
    addsInput = block.stride == 1 && inputs == block.outputs
  }

  func callAsFunction(_ x: Tensor, in pass: inout Pass) -> Tensor {
    let wide = expand.map { relu6($0(x, in: &pass)) } ?? x
    let y = project(relu6(depthwise(wide, in: &pass)), in: &pass)
    return addsInput ? x + y : y
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("expand", &expand, body)
    try update("depthwise", &depthwise, body)
    try update("project", &project, body)
  }

  mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateStatistics("expand", &expand, body)
    try updateStatistics("depthwise", &depthwise, body)
    try updateStatistics("project", &project, body)
  }
}
