import Autodiff
import Miners
import Settings

/// The positives of an anchor against everything else in the batch.
///
/// With s the similarity (a distance is negated), the mean over the anchors whose term is above 0
/// of
///
///     -1/|P| Σ_P (s_ap / τ - log Σ_{P ∪ N} exp(s / τ))
///
/// Anchors without positives are left out. A batch without a positive or without a negative pair
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
    let scale = S(-distance.sign / temperature)
    var peak = -S.infinity
    var positives: S = 0
    var mean: S = 0
    for j in row.indices where row.kinds[j] != 0 {
      row.derivatives[j] = row.values[j] * scale
      peak = max(peak, row.derivatives[j])
      if row.kinds[j] > 0 {
        positives += 1
        mean += row.derivatives[j]
      }
    }
    guard positives > 0 else {
      row.derivatives.update(repeating: 0)
      return
    }
    mean /= positives
    var sum: S = 0
    for j in row.indices where row.kinds[j] != 0 {
      row.derivatives[j] = S.exp(row.derivatives[j] - peak)
      sum += row.derivatives[j]
    }
    let cost = peak - mean + S.log(sum)
    sums.terms.add(Double(cost))
    guard cost > 0 else {
      row.derivatives.update(repeating: 0)
      return
    }
    for j in row.indices where row.kinds[j] != 0 {
      row.derivatives[j] *= scale / sum
      if row.kinds[j] > 0 { row.derivatives[j] -= scale / positives }
    }
  }
}
