import Autodiff
import Geometry
import Settings

/// Positives inside a sphere around the anchor, negatives outside a larger one.
///
/// With d the distance, T = α - m, P* the positives with d > T and N* the negatives with d < α, the
/// mean over the n anchors of
///
///     (1 - λ) Σ_P* w₊ (d - T) / (Σ_P* w₊ + 10⁻⁵ n) + λ Σ_N* w₋ (α - d) / (Σ_N* w₋ + 10⁻⁵ n)
///     w₊ = exp(T₊ (d - T)),  w₋ = exp(T₋ (α - d))
///
/// The weights take part in the gradient. α is 1 + m/2 unless it is set. Tuples choose pairs; a pair
/// that they repeat counts once.
///
/// One class leaves the positive part, distinct classes the negative part; an anchor without such
/// pairs adds 0. Collapsed embeddings take no gradient.
///
/// Defaults: m = 0.4, T₊ = 0, T₋ = 10, λ = 0.5, Euclidean distance of normalised embeddings. O(batch²).
/// - Reference: Wang et al., *Ranked List Loss for Deep Metric Learning* (CVPR 2019).
public struct RankedListLoss: PairwiseLoss {
  public var margin, positiveTemperature, negativeTemperature, imbalance: Double
  public var alpha: Double?
  public var distance = Distance.euclidean

  public init(
    margin: Double, positiveTemperature: Double = 0, negativeTemperature: Double,
    imbalance: Double = 0.5, alpha: Double? = nil
  ) {
    (self.margin, self.imbalance, self.alpha) = (margin, imbalance, alpha)
    (self.positiveTemperature, self.negativeTemperature) =
      (positiveTemperature, negativeTemperature)
  }
  public init() { self.init(margin: 0.4, negativeTemperature: 10) }

  public static let summary = "positives inside a sphere around the anchor, negatives outside one"
  public static let source =
    "Wang et al., Ranked List Loss for Deep Metric Learning, CVPR 2019"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how far the two spheres are apart", in: 0...2),
      Setting("alpha", \Self.alpha, "the radius of the outer sphere, 1 + margin/2 if null"),
      Setting(
        "positiveTemperature", \Self.positiveTemperature, "how sharply positives are weighted",
        in: 0...100),
      Setting(
        "negativeTemperature", \Self.negativeTemperature, "how sharply negatives are weighted",
        in: 0...100),
      Setting("imbalance", \Self.imbalance, "the share λ of the negatives", in: 0...1),
      Setting(
        "normalize", \Self.distance.normalizes,
        "whether embeddings are scaled to length 1 before they are compared"),
    ]
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let alpha = self.alpha ?? 1 + margin / 2
    let positive = hinges(
      of: row, kind: 1, radius: S(alpha - margin), sharpness: S(positiveTemperature),
      share: S(1 - imbalance))
    let negative = hinges(
      of: row, kind: -1, radius: S(alpha), sharpness: S(negativeTemperature),
      share: S(imbalance))
    sums.terms.add(Double(positive + negative))
  }

  /// The weighted mean of [kind (d - radius)]₊ over the pairs of a kind, times `share`.
  @inline(__always)
  private func hinges<S: Scalar>(
    of row: LossRow<S>, kind: S, radius: S, sharpness: S, share: S
  ) -> S {
    guard !row.values.isEmpty else { return 0 }
    var (total, weights): (S, S) = (0, S(1e-5) * S(row.values.count))
    for j in row.indices where kind > 0 ? row.kinds[j] > 0 : row.kinds[j] < 0 {
      let hinge = kind * (row.values[j] - radius)
      guard hinge > 0 else { continue }
      let weight = S.exp(sharpness * hinge)
      total += weight * hinge
      weights += weight
    }
    let mean = total / weights
    for j in row.indices where kind > 0 ? row.kinds[j] > 0 : row.kinds[j] < 0 {
      let hinge = kind * (row.values[j] - radius)
      guard hinge > 0 else { continue }
      let weight = S.exp(sharpness * hinge)
      row.derivatives[j] = kind * share * weight * (1 + sharpness * (hinge - mean)) / weights
    }
    return share * mean
  }
}
