import Autodiff
import Settings

/// The residual network of twelve convolutions that few-shot learning uses.
///
/// - Reference: Lee et al., *Meta-Learning with Differentiable Convex Optimization* (2019), without
///   its DropBlock.
public struct ResNet12Architecture: Architecture {
  public var width = 64
  public var embedding = 0
  public var normalize = true

  public init() {}

  public static let summary =
    "four residual blocks of three 3×3 convolutions that halve the image, and the mean of the map"

  public static let settings = [
    Setting(
      "width", \ResNet12Architecture.width,
      "filters of the first block; the others have 2.5, 5 and 10 times as many", in: 2...512),
    Setting(
      "embedding", \ResNet12Architecture.embedding,
      "the width of an embedding, 0 for the features themselves", in: 0...65_536),
    Setting("normalize", \ResNet12Architecture.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    try ImageNetworks.check(inputShape, smallest: 16, at: place)
    var maker = PartMaker(random: random.split("features"), at: place)
    let network = try ResNet12(
      channels: inputShape[2], widths: [width, width * 5 / 2, width * 5, width * 10], &maker)
    return ImageNetworks.encoder(
      network, inputShape: inputShape, embedding: embedding, normalize: normalize, random: random)
  }
}
