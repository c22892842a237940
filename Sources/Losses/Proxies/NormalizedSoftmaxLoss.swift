import Autodiff
import Geometry
import Settings

/// Softmax classification by the cosine to one proxy per class.
///
/// With c_k the cosine to the proxy of class k and y the row's class, the mean over the rows of
///
///     -log(exp(c_y / T) / Σ_k exp(c_k / T))
///
/// A row of zeros has cosine 0 to all proxies and takes no gradient; one class, or one row, is
/// classified like any other batch.
///
/// Defaults: T = 0.05; proxies drawn from N(0, 1). O(batch × classes).
/// - Reference: Zhai and Wu, *Classification is a Strong Baseline for Deep Metric Learning*
///   (BMVC 2019).
public struct NormalizedSoftmaxLoss: ClassifierLoss {
  public var temperature: Double
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init(temperature: Double) { self.temperature = temperature }
  public init() { self.init(temperature: 0.05) }

  public static let summary = "softmax classification by the cosine to one proxy per class"
  public static let source =
    "Zhai and Wu, Classification is a Strong Baseline for Deep Metric Learning, BMVC 2019"
  public static let settings = [
    Setting("temperature", \Self.temperature, "the softness T of the softmax", in: 1e-4...1e4)
  ]

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let scale = 1 / S(temperature)
    row.scaleValues(by: scale)
    let cost = row.crossEntropy(target: target, timesSlope: scale)
    sums.terms.add(row.weighted(cost))
  }
}
