import Autodiff
import Geometry
import Settings

/// Softmax classification with a margin added to the angle to the own class's proxy.
///
/// With θ_k the angle to the proxy of class k, y the row's class and m in degrees, the mean over
/// the rows of
///
///     -log(exp(s f(θ_y)) / (exp(s f(θ_y)) + Σ_{k ≠ y} exp(s cos θ_k)))
///     f(θ) = cos(θ + m) if θ ≤ 180° - m, else cos θ - m sin m
///
/// The slope of f at an embedding that lies on its proxy is unbounded; it is held at what it is
/// √ε from there, so the gradient in the embedding is finite.
///
/// A row of zeros has cosine 0 to all proxies and takes no gradient; one class, or one row, is
/// classified like any other batch.
///
/// Defaults: m = 28.6°, s = 64; proxies drawn from N(0, 1). O(batch × classes).
/// - Reference: Deng et al., *ArcFace: Additive Angular Margin Loss for Deep Face Recognition*
///   (CVPR 2019).
public struct ArcFaceLoss: MarginSoftmaxLoss {
  public var margin = 28.6
  public var scale = 64.0
  public var proxies = noProxies

  public init() {}

  public static let summary = "softmax classification with a margin added to the own class's angle"
  public static let source =
    "Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019"
  public static let marginSetting = Setting(
    "margin", \Self.margin, "the angle added, in degrees", in: 0...180)

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let own = AngularMargin<S>(degrees: margin).addedWithinHalfTurn(to: row.values[target])
    sums.terms.add(row.weighted(row.classify(target, as: own, scale: S(scale))))
  }
}
