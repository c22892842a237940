import Autodiff
import Geometry
import Settings

/// Every similarity pushed as hard as it is far from its optimum.
///
/// With s the cosine, the mean over the anchors whose term is above 0 of
///
///     softplus(log Σ_P exp(-γ α₊ (s - (1 - m))) + log Σ_N exp(γ α₋ (s - m)))
///     α₊ = [1 + m - s]₊,  α₋ = [s + m]₊
///
/// The weights α take no gradient. Anchors that lack positives or negatives give 0. Tuples choose
/// pairs; a pair that they repeat counts once.
///
/// Defaults: m = 0.4, γ = 80. One class, or distinct classes, give 0. O(batch²).
/// - Reference: Sun et al., *Circle Loss: A Unified Perspective of Pair Similarity Optimization*
///   (CVPR 2020).
public struct CircleLoss: PairwiseLoss {
  public var margin, gamma: Double
  public let distance = Distance.cosine
  /// The similarities to take the weights from; nil for those of the batch.
  private var held: Tensor?

  public init(margin: Double, gamma: Double) { (self.margin, self.gamma) = (margin, gamma) }
  public init() { self.init(margin: 0.4, gamma: 80) }

  public static let summary = "every similarity pushed as hard as it is far from its optimum"
  public static let source =
    "Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, CVPR 2020"
  public static let settings = [
    Setting("margin", \Self.margin, "the margin m around the boundary", in: -1...1),
    Setting("gamma", \Self.gamma, "the scale γ of similarities", in: 1e-4...1e6),
  ]

  public var reduction: Reduction { .meanOfActive }

  public func holdingWeights(of input: LossInput) -> any Loss {
    var loss = self
    loss.held = distance.matrix(input.embeddings.detached, input.reference?.embeddings.detached)
    return loss
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let held else { return evaluate(row, weighing: row.values, into: &sums) }
    held.withElements(of: S.self) {
      let place = row.index * row.values.count..<(row.index + 1) * row.values.count
      evaluate(row, weighing: UnsafeBufferPointer(rebasing: $0[place]), into: &sums)
    }
  }

  @inline(__always)
  private func evaluate<S: Scalar>(
    _ row: LossRow<S>, weighing fixed: UnsafeBufferPointer<S>, into sums: inout LossSums
  ) {
    let (margin, gamma) = (S(margin), S(gamma))
    for j in row.indices {
      let isPositive = row.kinds[j] > 0
      let weight = isPositive ? max(0, 1 + margin - fixed[j]) : max(0, fixed[j] + margin)
      let past = isPositive ? 1 - margin - row.values[j] : row.values[j] - margin
      row.derivatives[j] = gamma * weight * past
    }
    let costs = row.logSumExp()
    guard let positive = costs.positive, let negative = costs.negative else {
      row.derivatives.update(repeating: 0)
      sums.terms.add(0)
      return
    }
    let (cost, slope) = softplus(positive + negative)
    sums.terms.add(Double(cost))
    let factor = slope * gamma
    for j in row.indices {
      let weight =
        row.kinds[j] > 0 ? -max(0, 1 + margin - fixed[j]) : max(0, fixed[j] + margin)
      row.derivatives[j] *= factor * weight
    }
  }
}
