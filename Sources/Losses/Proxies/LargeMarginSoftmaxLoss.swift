import Autodiff
import Geometry
import Settings

/// Softmax classification by inner products with the angle to the own class's weights multiplied.
///
/// With θ_k the angle between the row and the weights w_k of class k, y the row's class and
/// k = ⌊m θ_y / 180°⌋, the mean over the rows of the cross-entropy of the logits
///
///     s ‖x‖ ‖w_k‖ cos θ_k,    for the own class s ‖x‖ ‖w_y‖ ((-1)ᵏ cos(m θ_y) - 2 k)
///
/// Embeddings and weights keep their lengths. A row of zeros, or one of a class whose weights are
/// zeros, has no angle and sends no gradient.
///
/// Defaults: m = 4, s = 1; weights drawn from N(0, 1). O(batch × classes).
/// - Reference: Liu et al., *Large-Margin Softmax Loss for Convolutional Neural Networks* (ICML
///   2016).
public struct LargeMarginSoftmaxLoss: ProxyLoss {
  public var margin = 4
  public var scale = 1.0
  public var proxies = noProxies

  public init() {}

  public static let summary = "softmax classification by products, the own angle multiplied"
  public static let source =
    "Liu et al., Large-Margin Softmax Loss for Convolutional Neural Networks, ICML 2016"
  public static let settings = [
    Setting("margin", \Self.margin, "what the angle is multiplied with", in: 1...16),
    Setting("scale", \Self.scale, "what the logits are multiplied with", in: 1e-4...1e4),
  ]

  public var scoreDistance: Distance { Distance(.dot, normalizes: false) }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let ownLengths = proxies.rowLengths().gathered(at: input.labels)
    return scoreDistance.matrix(input.embeddings, proxies)
      .appendingColumn(input.embeddings.rowLengths() * ownLengths)
      .reduced(
        by: LargeMarginRows(angle: MultipliedAngle(times: margin), scale: scale),
        pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels)
          .withIgnoredColumns(1),
        weights: input.rowWeights, reducer: input.rowReducer)
  }
}

/// What one row adds; the last value of its row is L = ‖x‖ ‖w_y‖.
private struct LargeMarginRows: RowFunction {
  let angle: MultipliedAngle
  let scale: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let last = row.values.count - 1
    let (lengths, scale) = (row.values[last], S(scale))
    // The own logit is L ψ(z / L) for the product z; without lengths there is no angle.
    let cosine = lengths > 0 ? Double(row.values[target]) / Double(lengths) : 0
    let turned = angle(cosine: cosine)
    row.scaleValues(by: scale)
    row.derivatives[target] = scale * lengths * S(turned.value)
    row.derivatives[last] = -.infinity
    let cost = row.crossEntropy(target: target, timesSlope: scale)
    if lengths > 0 {
      row.derivatives[last] =
        row.derivatives[target] * S(turned.value - min(1, max(-1, cosine)) * turned.slope)
      row.derivatives[target] *= S(turned.slope)
    } else {
      row.derivatives.update(repeating: 0)
    }
    sums.terms.add(row.weighted(cost))
  }
}
