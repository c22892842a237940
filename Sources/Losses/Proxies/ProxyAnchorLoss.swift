import Autodiff
import Geometry
import Settings

/// Proxies as anchors: each draws its class near and pushes the rest of the batch away.
///
/// With s the similarity of a row to a proxy, C⁺ the classes in the batch and w the weight that
/// tuples give to a row (1 without tuples):
///
///     1/|C⁺| Σ_{c ∈ C⁺} log(1 + Σ_{x ∈ c} exp(α (m - s) + w - 1))
///       + 1/|C| Σ_c log(1 + Σ_{x ∉ c} exp(α (s + m) + w - 1))
///
/// A distance is negated. Defaults: m = 0.1, α = 32, cosine; proxies drawn from N(0, 2/|C|).
/// O(batch × classes).
/// - Reference: Kim et al., *Proxy Anchor Loss for Deep Metric Learning* (CVPR 2020).
public struct ProxyAnchorLoss: ProxyLoss, Measuring {
  public var margin, alpha: Double
  public var proxies = noProxies
  public var distance: Distance

  public init(margin: Double, alpha: Double, distance: Distance = .cosine) {
    (self.margin, self.alpha, self.distance) = (margin, alpha, distance)
  }
  public init() { self.init(margin: 0.1, alpha: 32) }

  public static let summary = "proxies as anchors that draw their class near and push others away"
  public static let source =
    "Kim, Kim, Cho and Kwak, Proxy Anchor Loss for Deep Metric Learning, CVPR 2020"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how far beyond 0 similarities should go"),
      Setting("alpha", \Self.alpha, "how sharply hard rows are weighted", in: 1e-6...1e6),
    ] + distanceSettings
  }

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    var random = random
    let deviation = (2 / Double(max(1, classCount))).squareRoot()
    proxies = Tensor(
      normal: [classCount, dimension], deviation: deviation, dtype: dtype, random: &random)
  }

  public static var reducesOtherRows: Bool { true }
  public var reducedClasses: [Int]? { Array(0..<classCount) }
  public var ownReduction: Reduction? { .divisor }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let rows = ProxyRows(
      margin: margin, alpha: alpha, sign: -distance.sign, weights: input.rowWeights)
    return distance.matrix(proxies, input.embeddings).reduced(
      by: rows, pairs: PairTable(rowLabels: proxyLabels, columnLabels: input.labels),
      reducer: input.rowReducer(classes: proxyLabels))
  }
}

/// What one proxy adds, positives and negatives apart.
private struct ProxyRows: RowFunction {
  let margin, alpha: Double
  /// What makes a similarity of a value: 1, or -1 for a distance.
  let sign: Double
  let weights: [Double]?

  static var reducesNegativesApart: Bool { true }

  static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (margin, alpha, sign) = (S(margin), S(alpha), S(sign))
    row.scale(
      by: Sides(positive: -alpha * sign, negative: alpha * sign),
      from: Sides(positive: sign * margin, negative: -sign * margin))
    if let weights {
      for j in row.indices where row.kinds[j] != 0 { row.derivatives[j] += S(weights[j] - 1) }
    }
    let costs = row.logOnePlusSumExp(
      timesFactors: Sides(positive: -alpha * sign, negative: alpha * sign))
    if row.kinds.contains(where: { $0 > 0 }) { sums.terms.add(Double(costs.positive)) }
    sums.negativeTerms.add(Double(costs.negative))
  }
}
