import Autodiff
import Geometry
import Settings

/// The correlations of two views' coordinates near the identity.
///
/// With Z and Z' the two views, each coordinate less its mean and divided by √(variance + 10⁻¹²),
/// and C = Zᵀ Z' / n:
///
///     Σ_k (1 - C_kk)² + λ Σ_{k ≠ l} C_kl²
///
/// The views are those of `vicreg`: the batch and a reference set of the same size, or else rows of
/// a class two by two, which depends on the order. Without two rows of a class the loss is 0. A
/// coordinate that is equal in all rows has correlation 0. Tuples do not matter.
/// O(batch × dimension²).
///
/// Default: λ = 0.005.
/// - Reference: Zbontar et al., *Barlow Twins: Self-Supervised Learning via Redundancy Reduction*
///   (ICML 2021).
public struct BarlowTwinsLoss: Loss {
  public var lambda = 0.005

  public init() {}

  public static let summary = "the correlations of two views' coordinates near the identity"
  public static let source =
    "Zbontar et al., Barlow Twins: Self-Supervised Learning via Redundancy Reduction, ICML 2021"
  public static let settings = [
    Setting("lambda", \Self.lambda, "the weight λ of different coordinates", in: 0...1e6)
  ]
  public static var dependsOnOrder: Bool { true }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let views = TwoViews(input.widened)
    let width = input.embeddings.shape[1]
    guard views.count > 0 else {
      return LossOutput(value: input.embeddings.sum().scaled(by: 0), active: 0)
    }
    let share = 1 / Double(views.count)
    let correlations = standardized(views.first).transposed.times(standardized(views.second))
      .scaled(by: share)
    var identity = [Double](repeating: 0, count: width * width)
    var weights = [Double](repeating: lambda, count: width * width)
    for k in 0..<width { (identity[k * width + k], weights[k * width + k]) = (1, 1) }
    let miss = correlations - Tensor(identity, shape: [width, width])
    let value = (miss * miss * Tensor(weights, shape: [width, width])).sum()
    return LossOutput(value: value, active: value.item > 0 ? 1 : 0)
      .narrowed(to: input.embeddings.dtype)
  }

  private func standardized(_ view: Tensor) -> Tensor {
    let (n, centered) = (view.shape[0], view.withCenteredColumns())
    let variances = (centered * centered).sumOverRows().scaled(by: 1 / Double(n))
    return centered / squareRoot(variances.shifted(by: 1e-12)).repeated(rows: n)
  }
}
