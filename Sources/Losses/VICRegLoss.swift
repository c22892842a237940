import Autodiff
import Miners
import Settings

/// Two views alike, every coordinate spread, no two coordinates correlated.
///
/// With Z and Z' the two views, n × d, the variances (divided by n - 1) v and covariances c of each:
///
///     i mean (Z - Z')² + s/2 Σ_views mean_k [1 - √(v_k + 10⁻⁴)]₊ + c/d Σ_views Σ_{k ≠ l} c_kl²
///
/// The views are the batch and a reference set of the same size, row by row; with one of another
/// size, the k-th rows of each class; without one, the first
/// and the second row of a class, the third and the fourth, and so on, which depends on the order.
/// Embeddings are raw. Without two rows of a class the loss is 0. Tuples do not matter.
/// O(batch × dimension²).
///
/// Defaults: i = 25, s = 25, c = 1.
/// - Reference: Bardes, Ponce and LeCun, *VICReg: Variance-Invariance-Covariance Regularization for
///   Self-Supervised Learning* (ICLR 2022).
public struct VICRegLoss: Loss {
  public var invariance = 25.0
  public var variance = 25.0
  public var covariance = 1.0

  public init() {}

  public static let summary = "two views alike, coordinates spread and not correlated"
  public static let source =
    "Bardes, Ponce and LeCun, VICReg: Variance-Invariance-Covariance Regularization for "
    + "Self-Supervised Learning, ICLR 2022"
  public static let settings = [
    Setting("invariance", \Self.invariance, "the weight of the difference of views", in: 0...1e6),
    Setting("variance", \Self.variance, "the weight of the spread of coordinates", in: 0...1e6),
    Setting("covariance", \Self.covariance, "the weight of their covariances", in: 0...1e6),
  ]
  public static var dependsOnOrder: Bool { true }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let views = TwoViews(input.widened)
    let width = input.embeddings.shape[1]
    let difference = views.first - views.second
    var value = (difference * difference).mean().scaled(by: invariance)
    if views.count > 0 {
      var own = [Double](repeating: 1, count: width * width)
      for k in 0..<width { own[k * width + k] = 0 }
      let off = Tensor(own, shape: [width, width])
      for view in [views.first, views.second] {
        let centered = view.withCenteredColumns()
        let share = 1 / Double(max(1, views.count - 1))
        let variances = (centered * centered).sumOverRows().scaled(by: share)
        let spread = relu(squareRoot(variances.shifted(by: 1e-4)).scaled(by: -1).shifted(by: 1))
        let covariances = centered.transposed.times(centered).scaled(by: share) * off
        value =
          value + spread.mean().scaled(by: variance / 2)
          + (covariances * covariances).sum().scaled(by: covariance / Double(max(1, width)))
      }
    }
    return LossOutput(value: value, active: value.item > 0 ? 1 : 0)
      .narrowed(to: input.embeddings.dtype)
  }
}
