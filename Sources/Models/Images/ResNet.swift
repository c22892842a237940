import Autodiff
import Settings

/// How many blocks a residual network has, and how wide they are.
public struct ResNetShape: Sendable, Equatable {
  /// Whether a block has three convolutions, 1×1, 3×3 and 1×1, rather than two of 3×3.
  public var isBottleneck: Bool
  public var channels = 3
  /// Filters of the first convolution.
  public var stem = 64
  /// Blocks of each stage, filters within its blocks, and channels that come out of them.
  public var blocks, inner, outputs: [Int]
  /// The stride of the last stage: 1 keeps a finer map, as re-identification does.
  public var lastStride = 2

  public init(isBottleneck: Bool, blocks: [Int], inner: [Int], outputs: [Int]) {
    (self.isBottleneck, self.blocks) = (isBottleneck, blocks)
    (self.inner, self.outputs) = (inner, outputs)
  }

  /// The networks of 18, 34 and 50 layers; nil for another depth.
  public init?(depth: Int, width: Int = 64) {
    let blocks = [18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3]]
    guard let counts = blocks[depth] else { return nil }
    let inner = (0..<4).map { width << $0 }
    self.init(
      isBottleneck: depth == 50, blocks: counts, inner: inner,
      outputs: depth == 50 ? inner.map { 4 * $0 } : inner)
    stem = width
  }
}

/// A residual network: a 7×7 convolution and a pooling, four stages of blocks, the mean of the map.
///
/// Each block gives ReLU(f(x) + x), or f(x) + W x where the shape changes; the stride of a stage is in
/// its first block's 3×3 convolution.
/// - Reference: He et al., *Deep Residual Learning for Image Recognition* (2016); torchvision for the
///   stride's place.
public struct ResNet: ImageEncoder {
  public let shape: ResNetShape
  private var stem: NormalizedConvolution<Convolution>
  private var stages: [[ResidualBlock]]

  public init(_ shape: ResNetShape, _ maker: inout PartMaker) throws(Failure) {
    self.shape = shape
    stem = try maker.normalized(
      inputs: shape.channels, outputs: shape.stem, kernel: 7, stride: 2)
    stages = []
    var inputs = shape.stem
    for (stage, count) in shape.blocks.enumerated() {
      var blocks: [ResidualBlock] = []
      for i in 0..<count {
        let isLast = stage == shape.blocks.count - 1
        let stride = stage == 0 || i > 0 ? 1 : isLast ? shape.lastStride : 2
        blocks.append(
          try ResidualBlock(
            inputs: inputs, inner: shape.inner[stage], outputs: shape.outputs[stage],
            stride: stride, isBottleneck: shape.isBottleneck, changesStage: stage > 0 && i == 0,
            &maker))
        inputs = shape.outputs[stage]
      }
      stages.append(blocks)
    }
  }

  public var channels: Int { shape.channels }
  public var featureCount: Int { shape.outputs.last ?? shape.stem }
  public var smallestSide: Int { 1 }

  /// The last map: [items, height, width, features].
  public func map(_ input: Tensor, in pass: inout Pass) -> Tensor {
    var x = maxPool(relu(stem(input, in: &pass)), size: 3, stride: 2, padding: 1)
    for stage in stages { for block in stage { x = block(x, in: &pass) } }
    return x
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    meanOverPixels(map(input, in: &pass))
  }

  /// Whether batch normalisation keeps its running statistics in training.
  public mutating func freezeNorms(_ isFrozen: Bool = true) {
    stem.norm.isFrozen = isFrozen
    for s in stages.indices {
      for i in stages[s].indices { stages[s][i].freezeNorms(isFrozen) }
    }
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("stem", &stem, body)
    for s in stages.indices {
      for i in stages[s].indices { try update("stages.\(s).\(i)", &stages[s][i], body) }
    }
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateStatistics("stem", &stem, body)
    for s in stages.indices {
      for i in stages[s].indices {
        try updateStatistics("stages.\(s).\(i)", &stages[s][i], body)
      }
    }
  }
}

/// ReLU(f(x) + x), where x goes through a 1×1 convolution of its own if its shape changes.
struct ResidualBlock: Layer {
  private var first, second: NormalizedConvolution<Convolution>
  private var third, shortcut: NormalizedConvolution<Convolution>?

  /// - Parameter changesStage: whether it is the first of a stage that is not the first: it has a
  ///   shortcut of its own even where its stride is 1 and its channels stay.
  init(
    inputs: Int, inner: Int, outputs: Int, stride: Int, isBottleneck: Bool, changesStage: Bool,
    _ maker: inout PartMaker
  ) throws(Failure) {
    if isBottleneck {
      first = try maker.normalized(inputs: inputs, outputs: inner, kernel: 1)
      second = try maker.normalized(inputs: inner, outputs: inner, kernel: 3, stride: stride)
      third = try maker.normalized(inputs: inner, outputs: outputs, kernel: 1)
    } else {
      first = try maker.normalized(inputs: inputs, outputs: outputs, kernel: 3, stride: stride)
      second = try maker.normalized(inputs: outputs, outputs: outputs, kernel: 3)
    }
    if changesStage || inputs != outputs {
      shortcut = try maker.normalized(
        inputs: inputs, outputs: outputs, kernel: 1, stride: stride)
    }
  }

  func callAsFunction(_ x: Tensor, in pass: inout Pass) -> Tensor {
    var y = second(relu(first(x, in: &pass)), in: &pass)
    if let third { y = third(relu(y), in: &pass) }
    return relu(y + (shortcut.map { $0(x, in: &pass) } ?? x))
  }

  mutating func freezeNorms(_ isFrozen: Bool) {
    first.norm.isFrozen = isFrozen
    second.norm.isFrozen = isFrozen
    third?.norm.isFrozen = isFrozen
    shortcut?.norm.isFrozen = isFrozen
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("first", &first, body)
    try update("second", &second, body)
    try update("third", &third, body)
    try update("shortcut", &shortcut, body)
  }

  mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateStatistics("first", &first, body)
    try updateStatistics("second", &second, body)
    try updateStatistics("third", &third, body)
    try updateStatistics("shortcut", &shortcut, body)
  }
}
