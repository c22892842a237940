import Autodiff
import Geometry
import Settings

/// Softmax classification with a margin taken from the cosine to the own class's proxy.
///
/// With c_k the cosine to the proxy of class k and y the row's class, the mean over the rows of
///
///     -log(exp(s (c_y - m)) / (exp(s (c_y - m)) + Σ_{k ≠ y} exp(s c_k)))
///
/// A row of zeros has cosine 0 to all proxies and takes no gradient; one class, or one row, is
/// classified like any other batch.
///
/// Defaults: m = 0.35, s = 64; proxies drawn from N(0, 1). O(batch × classes).
/// - Reference: Wang et al., *CosFace: Large Margin Cosine Loss for Deep Face Recognition*
///   (CVPR 2018).
public struct CosFaceLoss: MarginSoftmaxLoss {
  public var margin = 0.35
  public var scale = 64.0
  public var proxies = noProxies

  public init() {}

  public static let summary = "softmax classification with a margin taken from the own cosine"
  public static let source =
    "Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, CVPR 2018"
  public static let marginSetting = Setting(
    "margin", \Self.margin, "what is taken from the cosine", in: 0...2)

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let own = (value: row.values[target] - S(margin), slope: S(1))
    sums.terms.add(row.weighted(row.classify(target, as: own, scale: S(scale))))
  }
}
