import Autodiff
import Settings

/// A vision transformer, trained from nothing or from a file's weights.
///
/// - Reference: Dosovitskiy et al., *An Image is Worth 16x16 Words* (2021).
public struct VisionTransformerArchitecture: Architecture {
  public var patch = 16
  public var width = 192
  public var layers = 6
  public var heads = 3
  public var embedding = 128
  public var normalize = true

  public init() {}

  public static let summary =
    "a vision transformer: patches, layers of attention, the class token, a linear embedding"

  public static let settings = [
    Setting("patch", \VisionTransformerArchitecture.patch, "the side of a patch", in: 1...256),
    Setting("width", \VisionTransformerArchitecture.width, "numbers of a token", in: 1...4096),
    Setting("layers", \VisionTransformerArchitecture.layers, "how many layers", in: 1...64),
    Setting("heads", \VisionTransformerArchitecture.heads, "attention heads", in: 1...64),
    Setting(
      "embedding", \VisionTransformerArchitecture.embedding,
      "the width of an embedding, 0 for the class token itself", in: 0...65_536),
    Setting(
      "normalize", \VisionTransformerArchitecture.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    try ImageNetworks.check(inputShape, smallest: patch, at: place)
    guard width % heads == 0 else {
      throw Failure(
        .badData, at: "\(place): heads", "\(heads) heads do not divide a width of \(width)",
        expected: "heads of equal width")
    }
    let (rows, columns) = (inputShape[0] / patch, inputShape[1] / patch)
    guard rows == columns else {
      throw Failure(
        .badData, at: place, "the images have \(rows)×\(columns) patches",
        expected: "as many down as across", remedy: "set square images")
    }
    var shape = VisionTransformerShape(
      patch: patch, width: width, depth: layers, heads: heads, inner: 4 * width,
      positions: .init(side: rows))
    shape.channels = inputShape[2]
    var maker = PartMaker(random: random.split("features"), at: place)
    let network = try VisionTransformer(shape, &maker)
    return ImageNetworks.encoder(
      network, inputShape: inputShape, embedding: embedding, normalize: normalize, random: random)
  }
}
