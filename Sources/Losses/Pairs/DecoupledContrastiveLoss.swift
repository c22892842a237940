import Autodiff
import Geometry
import Settings

/// The contrastive cross-entropy without the positive in its denominator.
///
/// With s the similarity and τ the temperature, the mean over the positive pairs (a, p) whose anchor
/// has a negative of
///
///     -s_ap / τ + log Σ_N exp(s_an / τ)
///
/// A distance is negated. The value may be negative. A pair that tuples repeat counts each time as a
/// positive, and as a negative. One class, or distinct classes, give 0. O(batch²).
///
/// Defaults: τ = 0.1, cosine.
/// - Reference: Yeh et al., *Decoupled Contrastive Learning* (ECCV 2022), for positives by class.
public struct DecoupledContrastiveLoss: PairwiseLoss, Measuring {
  public var temperature = 0.1
  public var distance = Distance.cosine

  public init() {}

  public static let summary = "contrastive cross-entropy without the positive in its denominator"
  public static let source = "Yeh et al., Decoupled Contrastive Learning, ECCV 2022"
  public static var settings: [Setting<Self>] {
    [Setting("temperature", \Self.temperature, "the softness τ of the softmax", in: 1e-4...1e4)]
      + distanceSettings
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let scale = -S(distance.sign) / S(temperature)
    var peak = -S.infinity
    for j in row.indices where row.kinds[j] < 0 { peak = max(peak, scale * row.values[j]) }
    guard peak > -S.infinity else { return }
    var sum: S = 0
    for j in row.indices where row.kinds[j] < 0 {
      row.derivatives[j] = S.exp(scale * row.values[j] - peak) * S(-row.kinds[j])
      sum += row.derivatives[j]
    }
    let total = peak + S.log(sum)
    var count: S = 0
    for j in row.indices where row.kinds[j] > 0 {
      let cost = Double(total - scale * row.values[j])
      guard sums.terms.add(cost, times: Int(row.kinds[j])) else { continue }
      row.derivatives[j] = -scale * S(row.kinds[j])
      count += S(row.kinds[j])
    }
    for j in row.indices where row.kinds[j] < 0 { row.derivatives[j] *= scale * count / sum }
  }
}
