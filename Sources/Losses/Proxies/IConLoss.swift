import Autodiff
import Geometry
import Settings

/// The divergence of a learned neighbourhood from the one that the labels give.
///
/// With p(j|i) even over the rows of i's class (or 1 for the proxy of the class) and q(j|i) the
/// learned neighbourhood over the other rows (or the proxies), s the cosine, the mean over the rows
/// with such a p of
///
///     Σ_j p(j|i) log(p(j|i) / q(j|i))
///     gaussian: q ∝ exp(s / τ)        student: q ∝ 1 / (1 + (1 - s) / τ)
///
/// With the Gaussian this is the supervised contrastive loss less the entropy of p, or the normalised
/// softmax exactly. Rows without another of their class are left out. Tuples choose pairs, or weight
/// rows against proxies. O(batch²), or O(batch × classes).
///
/// Defaults: neighbours by rows, Gaussian, τ = 0.1; proxies drawn from N(0, 1).
/// - Reference: Alshammari et al., *I-Con: A Unifying Framework for Representation Learning* (ICLR
///   2025).
public struct IConLoss: ProxyLoss {
  /// What a row's neighbours are.
  public enum Neighborhood: String, Sendable, CaseIterable { case rows, proxies }
  /// How a neighbourhood is learned.
  public enum Kernel: String, Sendable, CaseIterable { case gaussian, student }

  public var neighborhood = Neighborhood.rows
  public var kernel = Kernel.gaussian
  public var temperature = 0.1
  public var proxies = noProxies

  public init() {}

  public static let summary = "the divergence of a learned neighbourhood from that of the labels"
  public static let source =
    "Alshammari et al., I-Con: A Unifying Framework for Representation Learning, ICLR 2025"
  public static let settings = [
    Setting("neighborhood", \Self.neighborhood, "what a row's neighbours are"),
    Setting("kernel", \Self.kernel, "how near a neighbour counts"),
    Setting("temperature", \Self.temperature, "the width τ of the kernel", in: 1e-4...1e4),
  ]

  /// Proxies as others have them, where there are any.
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    guard neighborhood == .proxies else { return }
    var random = random
    proxies = Tensor(
      normal: [classCount, dimension], deviation: 1, dtype: dtype, random: &random)
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    if neighborhood == .proxies { try body("proxies", &proxies) }
  }

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    if neighborhood == .proxies {
      try validateProxies(input, at: place)
    } else {
      try input.validate(at: place)
    }
  }

  public var goesByRows: Bool { neighborhood == .rows }
  public var labelUse: LabelUse { neighborhood == .rows ? .pairs : .numbers }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let rows = NeighborhoodRows(kernel: kernel, temperature: temperature)
    guard neighborhood == .proxies else {
      return input.distances(.cosine)
        .reduced(by: rows, pairs: input.pairs, reducer: input.rowReducer)
    }
    let input = input.pooled
    return Distance.cosine.matrix(input.embeddings, proxies).reduced(
      by: rows, pairs: PairTable(rowLabels: input.labels, columnLabels: proxyLabels),
      weights: input.rowWeights, reducer: input.rowReducer)
  }
}

private struct NeighborhoodRows: RowFunction {
  let kernel: IConLoss.Kernel
  let temperature: Double

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let width = S(temperature)
    let isGaussian = kernel == .gaussian
    var (peak, count, mean): (S, S, S) = (-.infinity, 0, 0)
    for j in row.indices where row.kinds[j] != 0 {
      let logit =
        isGaussian
        ? row.values[j] / width : -S.logOnePlus(max(0, 1 - row.values[j]) / width)
      row.derivatives[j] = logit
      peak = max(peak, logit)
      if row.kinds[j] > 0 {
        count += 1
        mean += logit
      }
    }
    guard count > 0 else {
      row.derivatives.update(repeating: 0)
      return
    }
    mean /= count
    var sum: S = 0
    for j in row.indices where row.kinds[j] != 0 {
      row.derivatives[j] = S.exp(row.derivatives[j] - peak)
      sum += row.derivatives[j]
    }
    for j in row.indices where row.kinds[j] != 0 {
      let slope = row.derivatives[j] / sum - (row.kinds[j] > 0 ? 1 / count : 0)
      row.derivatives[j] = slope / (isGaussian ? width : width + max(0, 1 - row.values[j]))
    }
    sums.terms.add(row.weighted(peak + S.log(sum) - mean - S.log(count)))
  }
}
