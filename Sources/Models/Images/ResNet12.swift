import Autodiff
import Settings

/// Blocks of three 3×3 convolutions beside a 1×1 one, each followed by 2×2 pooling; the mean of the map.
public struct ResNet12: ImageEncoder {
  public let channels: Int
  public let featureCount: Int
  private var blocks: [LeakyBlock]

  public init(channels: Int, widths: [Int], _ maker: inout PartMaker) throws(Failure) {
    (self.channels, featureCount, blocks) = (channels, widths.last ?? channels, [])
    var inputs = channels
    for width in widths {
      var convolutions: [NormalizedConvolution<Convolution>] = []
      for i in 0..<3 {
        convolutions.append(
          try maker.normalized(inputs: i == 0 ? inputs : width, outputs: width, kernel: 3))
      }
      blocks.append(
        LeakyBlock(
          convolutions: convolutions,
          shortcut: try maker.normalized(inputs: inputs, outputs: width, kernel: 1)))
      inputs = width
    }
  }

  public var smallestSide: Int { 1 << blocks.count }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    var x = input
    for block in blocks { x = block(x, in: &pass) }
    return meanOverPixels(x)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in blocks.indices { try update("blocks.\(i)", &blocks[i], body) }
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in blocks.indices { try updateStatistics("blocks.\(i)", &blocks[i], body) }
  }
}

/// pool(f(x) + W x) after a ReLU that leaks a tenth, as those within f do.
private struct LeakyBlock: Layer {
  var convolutions: [NormalizedConvolution<Convolution>]
  var shortcut: NormalizedConvolution<Convolution>

  func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    var y = input
    for (i, convolution) in convolutions.enumerated() {
      y = convolution(i == 0 ? y : leakyRelu(y, slope: 0.1), in: &pass)
    }
    return maxPool2x2(leakyRelu(y + shortcut(input, in: &pass), slope: 0.1))
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in convolutions.indices { try update("convolutions.\(i)", &convolutions[i], body) }
    try update("shortcut", &shortcut, body)
  }

  mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in convolutions.indices {
      try updateStatistics("convolutions.\(i)", &convolutions[i], body)
    }
    try updateStatistics("shortcut", &shortcut, body)
  }
}
