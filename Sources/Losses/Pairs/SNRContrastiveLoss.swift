import Autodiff
import Geometry
import Settings

/// The contrastive loss with the signal-to-noise ratio as its distance.
///
/// With d = var(x_a - x_j) / var(x_a), and the means over the pairs whose term is above 0:
///
///     mean_P [d - m₊]₊ + mean_N [m₋ - d]₊
///
/// One class leaves the positive part, distinct classes the negative part. An anchor whose coordinates
/// are all equal, as a row of zeros is, is at distance 0 of everything and takes no gradient.
///
/// Defaults: m₊ = 0, m₋ = 1, embeddings normalised as in pytorch-metric-learning;
/// `normalize: false` for the paper's. O(batch²).
/// - Reference: Yuan et al., *Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric
///   Learning* (CVPR 2019).
public struct SNRContrastiveLoss: PairwiseLoss {
  private var contrastive = ContrastiveLoss(
    positiveMargin: 0, negativeMargin: 1, distance: Distance(.snr))

  public var distance: Distance {
    get { contrastive.distance }
    set { contrastive.distance = newValue }
  }

  public init() {}

  public static let summary = "the contrastive loss over signal-to-noise ratios"
  public static let source =
    "Yuan et al., Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning, "
    + "CVPR 2019"
  public static let settings = [
    Setting("positiveMargin", \Self.contrastive.positiveMargin, "how far apart positives may be"),
    Setting(
      "negativeMargin", \Self.contrastive.negativeMargin, "how far apart negatives should be"),
    Setting(
      "normalize", \Self.contrastive.distance.normalizes,
      "whether embeddings are scaled to length 1 before they are compared"),
  ]

  public var reduction: Reduction { contrastive.reduction }
  public static var reducesNegativesApart: Bool { ContrastiveLoss.reducesNegativesApart }

  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    contrastive.evaluate(row, into: &sums)
  }
}
