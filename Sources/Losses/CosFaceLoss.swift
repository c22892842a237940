import Autodiff
import Miners
import Settings

/// Softmax classification with a margin taken from the cosine to the own class's proxy.
///
/// With c_k the cosine to the proxy of class k and y the row's class, the mean over the rows of
///
///     -log(exp(s (c_y - m)) / (exp(s (c_y - m)) + Σ_{k ≠ y} exp(s c_k)))
///
/// Defaults: m = 0.35, s = 64; proxies drawn from N(0, 1). O(batch × classes).
/// - Reference: Wang et al., *CosFace: Large Margin Cosine Loss for Deep Face Recognition*
///   (CVPR 2018).
public struct CosFaceLoss: ClassifierLoss {
  public var margin, scale: Double
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init(margin: Double, scale: Double) { (self.margin, self.scale) = (margin, scale) }
  public init() { self.init(margin: 0.35, scale: 64) }

  public static let summary = "softmax classification with a margin taken from the own cosine"
  public static let source =
    "Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, CVPR 2018"
  public static let settings = [
    Setting("margin", \Self.margin, "what is taken from the cosine", in: 0...2),
    Setting("scale", \Self.scale, "the sharpness s of the softmax", in: 1e-4...1e4),
  ]

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.kinds.firstIndex(where: { $0 > 0 }) else { return }
    let scale = S(scale)
    for j in row.indices { row.derivatives[j] = row.values[j] * scale }
    row.derivatives[target] -= S(margin) * scale
    let cost = row.crossEntropy(target: target)
    for j in row.indices { row.derivatives[j] *= scale }
    sums.terms.add(row.weighted(cost))
  }
}
