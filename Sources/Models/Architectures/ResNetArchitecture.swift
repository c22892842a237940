import Autodiff
import Settings

/// A residual network of 18, 34 or 50 layers.
///
/// - Reference: He et al., *Deep Residual Learning for Image Recognition* (2016).
public struct ResNetArchitecture: Architecture {
  public var depth = 18
  public var width = 64
  public var lastStride = 2
  public var frozenNorm = false
  public var embedding = 128
  public var normalize = true

  public init() {}

  public static let summary =
    "a residual network of 18, 34 or 50 layers, the mean of its last map, a linear embedding"

  public static let settings = [
    Setting("depth", \ResNetArchitecture.depth, "layers: 18, 34 or 50", in: 18...50),
    Setting("width", \ResNetArchitecture.width, "filters of the first stage", in: 1...512),
    Setting(
      "lastStride", \ResNetArchitecture.lastStride,
      "the stride of the last stage: 1 keeps a finer map", in: 1...2),
    Setting(
      "frozenNorm", \ResNetArchitecture.frozenNorm,
      "whether batch norm keeps its running statistics in training"),
    Setting(
      "embedding", \ResNetArchitecture.embedding,
      "the width of an embedding, 0 for the features themselves", in: 0...65_536),
    Setting("normalize", \ResNetArchitecture.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    try ImageNetworks.check(inputShape, smallest: 1, at: place)
    guard var shape = ResNetShape(depth: depth, width: width) else {
      throw Failure(.badData, at: "\(place): depth", "this is \(depth)", expected: "18, 34 or 50")
    }
    (shape.channels, shape.lastStride) = (inputShape[2], lastStride)
    var maker = PartMaker(random: random.split("features"), at: place)
    var network = try ResNet(shape, &maker)
    network.freezeNorms(frozenNorm)
    return ImageNetworks.encoder(
      network, inputShape: inputShape, embedding: embedding, normalize: normalize, random: random)
  }
}
