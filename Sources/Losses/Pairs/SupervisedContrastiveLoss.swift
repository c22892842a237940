import Autodiff
import Geometry
import Settings

/// The positives of an anchor against everything else in the batch.
///
/// With s the similarity (a distance is negated), the mean over the anchors whose term is above 0
/// of
///
///     -1/|P| Σ_P (s_ap / τ - log Σ_{P ∪ N} exp(s / τ))
///
/// Anchors without positives have the term 0. A batch without a positive or without a negative pair
/// gives 0. Tuples choose pairs; a pair that they repeat counts once.
///
/// Defaults: τ = 0.1, cosine. O(batch²).
/// - Reference: Khosla et al., *Supervised Contrastive Learning* (NeurIPS 2020).
public struct SupervisedContrastiveLoss: PairwiseLoss, Measuring {
  public var temperature: Double
  public var distance: Distance

  public init(temperature: Double, distance: Distance = .cosine) {
    (self.temperature, self.distance) = (temperature, distance)
  }
  public init() { self.init(temperature: 0.1) }

  public static let summary = "the positives of an anchor against everything else in the batch"
  public static let source = "Khosla et al., Supervised Contrastive Learning, NeurIPS 2020"
  public static var settings: [Setting<Self>] {
    [Setting("temperature", \Self.temperature, "the softness τ of the softmax", in: 1e-4...1e4)]
      + distanceSettings
  }

  public var reduction: Reduction { .meanOfActive }
  public var needsBothKinds: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (values, kinds, derivatives) = row.start else { return }
    let scale = S(-distance.sign / temperature)
    var (positives, mean): (S, S) = (0, 0)
    row.forEachPositive {
      positives += 1
      mean += values[$0] * scale
    }
    guard positives > 0 else {
      sums.terms.add(0)
      return
    }
    mean /= positives
    row.scale(by: Sides(positive: scale, negative: scale))
    let peaks = row.kernels.sideMaxima(derivatives, kinds: kinds, row.values.count)
    let peak = max(peaks.positive, peaks.negative)
    let parts = row.kernels.sideExp(
      derivatives, derivatives, kinds: kinds, peaks: Sides(positive: peak, negative: peak),
      row.values.count)
    let sum = parts.positive + parts.negative
    let cost = peak - mean + S.log(sum)
    sums.terms.add(Double(cost))
    guard cost > 0 else {
      row.derivatives.update(repeating: 0)
      return
    }
    row.scaleDerivatives(by: Sides(positive: scale / sum, negative: scale / sum))
    row.forEachPositive { derivatives[$0] -= scale / positives }
  }
}
