import Autodiff
import Geometry
import Settings

/// The squared error of the cosines to the classes' proxies against one-hot targets.
///
/// With c_k the cosine to the proxy of class k and y the row's class, the mean over the rows of
///
///     1/C Σ_k (c_k - [k = y])²
///
/// There is neither margin nor scale. A row of zeros has cosine 0 to all, where
/// pytorch-metric-learning gives NaN. Proxies drawn from N(0, 1). O(batch × classes × dimension) or,
/// where that is less, O((batch + classes) × dimension²) without a matrix of all cosines.
/// - Reference: Wang and Yamagishi, *A Comparative Study on Recent Neural Spoofing Countermeasures
///   for Synthetic Speech Detection* (Interspeech 2021), after Zhang et al., *P2SGrad* (CVPR 2019).
public struct P2SGradLoss: ClassifierLoss {
  public var proxies = noProxies
  public var distance: Distance { .cosine }

  public init() {}

  public static let summary = "the squared error of cosines to proxies against one-hot targets"
  public static let source =
    "Zhang et al., P2SGrad: Refined Gradients for Optimizing Deep Face Models, CVPR 2019"

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pooled = input.pooled
    let (rows, width) = (pooled.embeddings.shape[0], proxies.shape[1])
    let plain = pooled.rowReducer.plain(for: self)
    guard let plain, pooled.rowWeights == nil, (rows + classCount) * width < 2 * rows * classCount
    else { return reducedByRows(input) }
    return SquaredErrorSums(labels: pooled.labels)
      .reduced(pooled.embeddings.withUnitRows(), proxies.withUnitRows(), as: plain)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (_, _, errors) = row.start else { return }
    let share = 1 / S(row.values.count)
    // Errors times 2 / C are the derivatives.
    row.scaleValues(by: 2 * share)
    row.forEachPositive { errors[$0] -= 2 * share }
    let cost = S(row.kernels.innerProduct(errors, errors, row.values.count)) / (4 * share)
    sums.terms.add(row.weighted(cost))
  }
}
