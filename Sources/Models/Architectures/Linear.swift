import Autodiff
import Settings

/// One linear map of the flattened input.
public struct Linear: Architecture {
  public var embedding = 128
  public var bias = true
  public var normalize = true

  public init() {}

  public static let summary = "one linear map of the flattened input"

  public static let settings = [
    Setting("embedding", \Linear.embedding, "the width of an embedding", in: 1...65_536),
    Setting("bias", \Linear.bias, "whether a bias is added"),
    Setting("normalize", \Linear.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    var random = random
    let width = inputShape.reduce(1, *)
    try Dense.checkSize(inputs: width, outputs: embedding, at: place)
    var layers: [Named<any Layer>] = [
      Named("flatten", Flatten()),
      Named(
        "embedding", Dense(inputs: width, outputs: embedding, hasBias: bias, random: &random)),
    ]
    if normalize { layers.append(Named("unit", UnitLength())) }
    return Encoder(inputShape: inputShape, embeddingSize: embedding, layers: layers)
  }
}
