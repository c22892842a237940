import Autodiff
import Geometry
import Settings

/// The triplet loss with the signal-to-noise ratio as its distance.
///
/// With d(a, j) = var(x_a - x_j) / var(x_a), the mean over the triplets whose term is above 0 of
///
///     [d(a, p) - d(a, n) + m]₊,    plus λ mean_i |Σ_k x_ik|
///
/// The second part draws the mean of each embedding to 0; it is of raw embeddings. An anchor whose
/// coordinates are equal is at distance 0 of everything. Pairs are joined at their anchor. One
/// class, or distinct classes, leave the second part. O(batch²) memory.
///
/// Defaults: m = 0.2, λ = 0.005, raw embeddings.
/// - Reference: Yuan et al., *Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric
///   Learning* (CVPR 2019); λ and the regulariser from a third party's code.
public struct SNRTripletLoss: Loss {
  public var margin = 0.2
  public var regularization = 0.005
  public var distance = Distance(.snr, normalizes: false)

  public init() {}

  public static let summary = "the triplet loss over signal-to-noise ratios"
  public static let source =
    "Yuan et al., Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning, "
    + "CVPR 2019"
  public static let settings = [
    Setting("margin", \Self.margin, "how much farther a negative should be than a positive"),
    Setting(
      "regularization", \Self.regularization, "what an embedding's sum costs", in: 0...1e6),
    Setting(
      "normalize", \Self.distance.normalizes,
      "whether embeddings are scaled to length 1 before they are compared"),
  ]

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { .meanOfActive }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    var output = wide.distances(distance).reduced(
      by: JoinedTriplets(term: HingeTerm(margin: margin, sign: 1, isSmooth: false)),
      pairs: input.pairs, reducer: input.rowReducer)
    output.value =
      output.value
      + abs(wide.embeddings.sumOverColumns()).mean().scaled(by: regularization)
    return output.narrowed(to: input.embeddings.dtype)
  }
}
