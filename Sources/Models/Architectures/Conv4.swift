import Autodiff
import Settings

/// Four blocks of convolution, batch normalisation, ReLU and pooling, then a linear embedding.
///
/// - Reference: Vinyals et al., *Matching Networks for One Shot Learning* (2016).
public struct Conv4: Architecture {
  public var width = 64
  public var blocks = 4
  public var embedding = 64
  public var normalize = true

  public init() {}

  public static let summary =
    "blocks of 3×3 convolution, batch norm, ReLU and 2×2 max-pool, then a linear embedding"

  public static let settings = [
    Setting("width", \Conv4.width, "the number of filters of each block", in: 1...4096),
    Setting("blocks", \Conv4.blocks, "how many blocks; each halves the image", in: 1...8),
    Setting("embedding", \Conv4.embedding, "the width of an embedding", in: 1...65_536),
    Setting("normalize", \Conv4.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    guard inputShape.count == 3 else {
      throw Failure(
        .badData, at: place, "the inputs have shape \(inputShape)",
        expected: "images of shape [height, width, channels]",
        remedy: "use the model linear, adapter or mlp for vectors")
    }
    let smallest = 1 << blocks
    guard inputShape[0] >= smallest, inputShape[1] >= smallest else {
      throw Failure(
        .badData, at: place, "the images are \(inputShape[1])×\(inputShape[0])",
        expected: "at least \(smallest)×\(smallest) for \(blocks) blocks that halve them",
        remedy: "set fewer blocks or larger images")
    }
    var random = random
    var layers: [Named<any Layer>] = []
    var (height, columns, channels) = (inputShape[0], inputShape[1], inputShape[2])
    for i in 1...blocks {
      layers.append(
        Named("block\(i)", ConvolutionBlock(inputs: channels, outputs: width, random: &random)))
      (height, columns, channels) = (height / 2, columns / 2, width)
    }
    layers.append(Named("flatten", Flatten()))
    layers.append(
      Named(
        "embedding",
        Dense(inputs: height * columns * channels, outputs: embedding, random: &random)))
    if normalize { layers.append(Named("unit", UnitLength())) }
    return Encoder(inputShape: inputShape, embeddingSize: embedding, layers: layers)
  }
}
