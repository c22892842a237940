import Autodiff
import Settings

/// A low-rank residual on given vectors that starts as the identity.
public struct Adapter: Architecture {
  public var rank = 64
  public var normalize = true

  public init() {}

  public static let summary = "a low-rank residual on given vectors; starts as the identity"

  public static let settings = [
    Setting("rank", \Adapter.rank, "the rank of the residual", in: 1...65_536),
    Setting("normalize", \Adapter.normalize, "whether embeddings get unit length"),
  ]

  public func makeEncoder(
    inputShape: [Int], random: Random, at place: String
  ) throws(Failure) -> Encoder {
    var random = random
    let width = inputShape.reduce(1, *)
    try Dense.checkSize(inputs: width, outputs: 2 * rank, at: place)
    var layers: [Named<any Layer>] = [
      Named("flatten", Flatten()),
      Named("residual", LowRankResidual(width: width, rank: rank, random: &random)),
    ]
    if normalize { layers.append(Named("unit", UnitLength())) }
    return Encoder(inputShape: inputShape, embeddingSize: width, layers: layers)
  }
}
