import Autodiff
import Geometry
import Settings

/// Softmax over the squared distances to the proxies of all classes.
///
/// With d_j the distance to proxy j, and P the proxies of the row's class, the mean over the rows
/// of
///
///     -log(Σ_P exp(-s d²) / Σ_j exp(-s d²))
///
/// Found from logarithms, so that a row far from its proxies keeps its gradient, where
/// pytorch-metric-learning drops rows whose share underflows to 0.
///
/// Tuples weight the rows by how often they are anchors, since the others are proxies.
///
/// One class gives 0 only where no other has proxies; a row of zeros takes no gradient.
///
/// Defaults: s = 1, one proxy per class, Euclidean distance of normalised embeddings; proxies
/// drawn from N(0, 1). O(batch × proxies).
/// - Reference: Movshovitz-Attias et al., *No Fuss Distance Metric Learning using Proxies*
///   (ICCV 2017).
public struct ProxyNCALoss: ClassifierLoss, Measuring {
  public var softmaxScale: Double
  public var proxiesPerClass = 1
  public var proxies = noProxies
  public var distance: Distance

  public init(softmaxScale: Double, distance: Distance = Distance(.squaredEuclidean)) {
    (self.softmaxScale, self.distance) = (softmaxScale, distance)
  }
  public init() { self.init(softmaxScale: 1) }

  public static let summary = "softmax over the squared distances to the proxies of all classes"
  public static let source =
    "Movshovitz-Attias et al., No Fuss Distance Metric Learning using Proxies, ICCV 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("softmaxScale", \Self.softmaxScale, "the sharpness s of the softmax", in: 1e-4...1e4),
      Setting(
        "proxiesPerClass", \Self.proxiesPerClass, "how many proxies a class has", in: 1...1000),
    ] + distanceSettings
  }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    return distance.matrix(input.embeddings, proxies).reduced(
      by: self, pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.tuples?.weights(rows: input.labels.count, anchorsOnly: true),
      reducer: input.rowReducer)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign * softmaxScale)) else { return }
    sums.terms.add(row.weighted(cost))
  }
}
