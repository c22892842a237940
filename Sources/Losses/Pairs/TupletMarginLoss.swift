import Autodiff
import Foundation
import Geometry
import Settings

/// Each positive, its angle enlarged by a margin, against all negatives of its anchor.
///
/// With s the cosine, θ the angle of the positive pair and m in degrees, the mean over the positive
/// pairs of
///
///     log(1 + Σ_N exp(γ (s_an - cos(θ_ap - m))))
///
/// The slope at a positive that equals its anchor is unbounded; it is held at what it is √ε from
/// there, where pytorch-metric-learning gives NaN. A pair that tuples repeat counts each time.
///
/// Defaults: m = 5.73°, γ = 64. One class, or distinct classes, give 0. O(batch²).
/// - Reference: Yu and Tao, *Deep Metric Learning with Tuplet Margin Loss* (ICCV 2019).
public struct TupletMarginLoss: PairwiseLoss {
  public var margin, scale: Double
  public let distance = Distance.cosine

  public init(margin: Double, scale: Double) { (self.margin, self.scale) = (margin, scale) }
  public init() { self.init(margin: 5.73, scale: 64) }

  public static let summary = "each positive, its angle enlarged by a margin, against all negatives"
  public static let source =
    "Yu and Tao, Deep Metric Learning with Tuplet Margin Loss, ICCV 2019"
  public static let settings = [
    Setting("margin", \Self.margin, "the slack of the angle, in degrees", in: 0...180),
    Setting("scale", \Self.scale, "the sharpness γ of the softmax", in: 1e-4...1e4),
  ]

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let scale = S(scale)
    let margin = AngularMargin<S>(degrees: -margin)
    row.addPositivesAgainstNegatives(
      to: &sums.terms, slope: scale,
      positive: { cosine in
        let (value, slope) = margin.added(to: cosine)
        return (value * scale, slope * scale)
      })
  }
}
