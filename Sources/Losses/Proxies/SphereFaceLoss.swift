import Autodiff
import Geometry
import Settings

/// Softmax classification with the angle to the own class's proxy multiplied.
///
/// With θ_k the angle to the proxy of class k, y the row's class and k = ⌊m θ_y / 180°⌋, the mean
/// over the rows of
///
///     -log(exp(s ‖x‖ ψ(θ_y)) / (exp(s ‖x‖ ψ(θ_y)) + Σ_{k ≠ y} exp(s ‖x‖ cos θ_k)))
///     ψ(θ) = (-1)ᵏ cos(m θ) - 2 k
///
/// The embedding keeps its length, the proxies do not: logits grow with ‖x‖. The slope of ψ is
/// bounded by m².
///
/// A row of zeros has logits 0, which cost log C, and takes no gradient.
///
/// Defaults: m = 4, s = 1; proxies drawn from N(0, 1). O(batch × classes).
/// - Reference: Liu et al., *SphereFace: Deep Hypersphere Embedding for Face Recognition*
///   (CVPR 2017).
public struct SphereFaceLoss: ProxyLoss {
  public var margin: Int
  public var scale: Double
  public var proxies = noProxies

  public init(margin: Int, scale: Double) { (self.margin, self.scale) = (margin, scale) }
  public init() { self.init(margin: 4, scale: 1) }

  public static let summary = "softmax classification with the own class's angle multiplied"
  public static let source =
    "Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition, CVPR 2017"
  public static let settings = [
    Setting("margin", \Self.margin, "what the angle is multiplied with", in: 1...16),
    Setting("scale", \Self.scale, "the sharpness s of the softmax", in: 1e-4...1e4),
  ]

  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let pairs = PairTable(rowLabels: input.labels, columnLabels: proxyLabels)
    return Distance.cosine.matrix(input.embeddings, proxies)
      .appendingColumn(input.embeddings.rowLengths())
      .reduced(
        by: SphereRows(angle: MultipliedAngle(times: margin), scale: scale),
        pairs: pairs.withIgnoredColumns(1),
        weights: input.rowWeights, reducer: input.rowReducer)
  }
}

/// What one row adds; the last value of its row is its length.
private struct SphereRows: RowFunction {
  let angle: MultipliedAngle
  let scale: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let target = row.firstPositive else { return }
    let last = row.values.count - 1
    let factor = S(scale) * row.values[last]
    let turned = angle(cosine: Double(row.values[target]))
    let (own, slope) = (S(turned.value), S(turned.slope))
    for j in 0..<last { row.derivatives[j] = factor * row.values[j] }
    row.derivatives[target] = factor * own
    row.derivatives[last] = -.infinity
    let cost = row.crossEntropy(target: target)
    var lengthSlope: S = 0
    for j in 0..<last {
      lengthSlope += row.derivatives[j] * (j == target ? own : row.values[j])
      row.derivatives[j] *= factor
    }
    row.derivatives[target] *= slope
    row.derivatives[last] = lengthSlope * S(scale)
    sums.terms.add(row.weighted(cost))
  }
}
