import Autodiff
import Geometry
import Settings

/// Each positive against all negatives of its anchor, as in a softmax.
///
/// With s the similarity (a distance is negated), the mean over the positive pairs of
///
///     -log(exp(s_ap / τ) / (exp(s_ap / τ) + Σ_N exp(s_an / τ)))
///
/// The anchor's other positives are not in the denominator. A pair that tuples repeat counts each
/// time. An anchor without negatives adds 0.
///
/// Defaults: τ = 0.07, cosine. One class, or distinct classes, give 0. O(batch²).
/// - Reference: Chen et al., *A Simple Framework for Contrastive Learning of Visual
///   Representations* (ICML 2020); Sohn (NIPS 2016).
public struct NTXentLoss: PairwiseLoss, Measuring {
  public var temperature: Double
  public var distance: Distance

  public init(temperature: Double, distance: Distance = .cosine) {
    (self.temperature, self.distance) = (temperature, distance)
  }
  public init() { self.init(temperature: 0.07) }

  public static let summary = "each positive against all negatives of its anchor, as in a softmax"
  public static let source =
    "Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020"
  public static var settings: [Setting<Self>] {
    [Setting("temperature", \Self.temperature, "the softness τ of the softmax", in: 1e-4...1e4)]
      + distanceSettings
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let scale = S(-distance.sign / temperature)
    row.addPositivesAgainstNegatives(
      to: &sums.terms, slope: scale, positive: { ($0 * scale, scale) })
  }
}
