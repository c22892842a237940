import Autodiff
import Foundation
import Miners
import Settings

/// Softmax classification by inner products with the angle to the own class's weights multiplied.
///
/// With θ_k the angle between the row and the weights w_k of class k, y the row's class and
/// k = ⌊m θ_y / 180°⌋, the mean over the rows of the cross-entropy of the logits
///
///     s ‖x‖ ‖w_k‖ cos θ_k,    for the own class s ‖x‖ ‖w_y‖ ((-1)ᵏ cos(m θ_y) - 2 k)
///
/// Embeddings and weights keep their lengths. A row of zeros takes no gradient.
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
    let (x, weights) = (input.embeddings.widened(), proxies.widened())
    let (rows, count) = (input.labels.count, classCount)
    let cosines = Distance.cosine.matrix(x, weights)
    var targets = [Double](repeating: 0, count: rows * count)
    for (row, label) in input.labels.enumerated() { targets[row * count + label] = 1 }
    let lengths = x.rowLengths().reshaped(to: [rows, 1])
      .times(weights.rowLengths().reshaped(to: [1, count]))
    return (cosines.multipliedAngles(margin, where: targets) * lengths).reduced(
      by: ClassSoftmax(scale: scale),
      pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.rowWeights, reducer: input.rowReducer
    ).narrowed(to: input.embeddings.dtype)
  }
}

extension Tensor {
  /// (-1)ᵏ cos(m θ) - 2 k for the cosines that are marked, the others as they are.
  fileprivate func multipliedAngles(_ m: Int, where marks: [Double]) -> Tensor {
    var slopes = [Double](repeating: 1, count: count)
    var values = elements(as: Double.self)
    for i in values.indices where marks[i] > 0 {
      let cosine = min(1, max(-1, values[i]))
      let (angle, factor) = (acos(cosine), Double(m))
      let turn = min(factor - 1, (angle * factor / .pi).rounded(.down))
      let sign: Double = turn.truncatingRemainder(dividingBy: 2) == 0 ? 1 : -1
      let sine = sin(angle)
      // The limits at 0° and 180°.
      let ratio =
        sine > 1e-8 ? sin(factor * angle) / sine : cosine > 0 || m % 2 == 1 ? factor : -factor
      values[i] = sign * cos(factor * angle) - 2 * turn
      slopes[i] = sign * factor * ratio
    }
    return Tensor(values, shape: shape).recorded(
      "multipliedAngles", edge { [slopes, shape] in $0 * Tensor(slopes, shape: shape) })
  }
}
