import Autodiff
import Settings

/// Dense layers with ReLU between them.
public struct MLP: Architecture {
  public var hidden = [512]
  public var embedding = 128
  public var normalize = true

  public init() {}

  public static let summary = "dense layers with ReLU between them, on the flattened input"

  public static let settings = [
    Setting("hidden", \MLP.hidden, "the widths of the hidden layers", in: 1...65_536),
    Setting("embedding", \MLP.embedding, "the width of an embedding", in: 1...65_536),
    Setting("normalize", \MLP.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    var random = random
    var width = inputShape.reduce(1, *)
    var layers: [Named<any Layer>] = [Named("flatten", Flatten())]
    for (i, next) in hidden.enumerated() {
      try Dense.checkSize(inputs: width, outputs: next, at: place)
      layers.append(
        Named(
          "hidden\(i + 1)",
          Dense(inputs: width, outputs: next, activation: .relu, random: &random)))
      width = next
    }
    try Dense.checkSize(inputs: width, outputs: embedding, at: place)
    layers.append(
      Named("embedding", Dense(inputs: width, outputs: embedding, random: &random)))
    if normalize { layers.append(Named("unit", UnitLength())) }
    return Encoder(inputShape: inputShape, embeddingSize: embedding, layers: layers)
  }
}
