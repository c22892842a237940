import Autodiff
import Geometry
import Settings

/// ArcFace with several proxies a class, of which the nearest counts.
///
/// With c_k the largest cosine to a proxy of class k, y the row's class and f as in ``ArcFaceLoss``,
/// the mean over the rows of
///
///     -log(exp(s f(c_y)) / (exp(s f(c_y)) + Σ_{k ≠ y} exp(s c_k)))
///
/// Of proxies that tie the first takes the gradient. A row of zeros has cosine 0 to all and takes
/// none; one class, or one row, is classified like any other batch.
///
/// Defaults: m = 28.6°, s = 64, 3 proxies a class, drawn from N(0, 1). O(batch × proxies).
/// - Reference: Deng et al., *Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy
///   Web Faces* (ECCV 2020).
public struct SubCenterArcFaceLoss: ClassifierLoss {
  public var margin, scale: Double
  public var proxiesPerClass: Int
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init(margin: Double, scale: Double, subCenters: Int) {
    (self.margin, self.scale, self.proxiesPerClass) = (margin, scale, subCenters)
  }
  public init() { self.init(margin: 28.6, scale: 64, subCenters: 3) }

  public static let summary = "ArcFace with several proxies a class, of which the nearest counts"
  public static let source =
    "Deng et al., Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web Faces, "
    + "ECCV 2020"
  public static let settings = [
    Setting("margin", \Self.margin, "the angle added, in degrees", in: 0...180),
    Setting("scale", \Self.scale, "the sharpness s of the softmax", in: 1e-4...1e4),
    Setting("subCenters", \Self.proxiesPerClass, "how many proxies a class has", in: 1...1000),
  ]

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let first = row.firstPositive, let (values, _, logits) = row.start else { return }
    // Proxies that are not the nearest of their class get -∞ for a logit: no share, no gradient.
    row.kernels.largestOfGroups(
      logits, values, of: proxiesPerClass, times: S(scale), row.values.count)
    var target = first
    while logits[target] == -.infinity { target += 1 }
    let own = AngularMargin<S>(degrees: margin).addedWithinHalfTurn(to: values[target])
    logits[target] = own.value * S(scale)
    let cost = row.crossEntropy(target: target, timesSlope: S(scale))
    logits[target] *= own.slope
    sums.terms.add(row.weighted(cost))
  }
}
