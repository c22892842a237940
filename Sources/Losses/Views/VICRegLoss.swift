import Autodiff
import Geometry
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
    let views = TwoViews(input.widenedIfLarge)
    guard views.count > 0 else {
      return LossOutput(value: input.embeddings.sum().scaled(by: 0), active: 0)
    }
    let difference = views.first.detached - views.second.detached
    let share = invariance / Double(difference.count)
    let spreads = [views.first, views.second].map {
      Spread(of: $0.detached, variance: variance, covariance: covariance)
    }
    let total = share * difference.sumOfSquares + spreads[0].total + spreads[1].total
    let pull = { @Sendable (view: Int) in
      difference.scaled(by: (view == 0 ? 2 : -2) * share) + spreads[view].gradient
    }
    let value = Tensor(total, dtype: difference.dtype).recorded(
      "vicreg",
      views.first.scaledEdge { Cotangent(pull(0), times: $0.product.item) },
      views.second.scaledEdge { Cotangent(pull(1), times: $0.product.item) })
    return LossOutput(value: value, active: total > 0 ? 1 : 0)
      .narrowed(to: input.embeddings.dtype)
  }
}

/// What the spread of one view's coordinates costs, and its gradient.
///
/// With X the view less its column means and C = Xᵀ X / (n - 1), the gradient in X is X M, where M is
/// 2 / (n - 1) times the derivative in C. Its columns have mean 0, so it is the gradient in the view.
private struct Spread: Sendable {
  let total: Double
  private let centered, mixing: Tensor

  var gradient: Tensor { centered.times(mixing) }

  init(of view: Tensor, variance: Double, covariance: Double) {
    centered = view.withCenteredColumns()
    let width = view.shape[1]
    let share = 1 / Double(max(1, view.shape[0] - 1))
    var mixing = centered.ownProducts(ofColumns: true)
    let (weight, spread) = (covariance / Double(width), variance / 2 / Double(width))
    func run<S: Scalar>(_: S.Type) -> Double {
      let kernels = RowKernels<S>()
      return mixing.updateElements(of: S.self) { products in
        guard let products = products.baseAddress else { return 0 }
        var total = 0.0
        for k in 0..<width {
          let row = products + k * width
          let deviation = (Double(row[k]) * share + 1e-4).squareRoot()
          row[k] = 0
          kernels.scale(row, row, by: S(share), width)
          total += weight * kernels.innerProduct(row, row, width)
          kernels.scale(row, row, by: S(4 * weight * share), width)
          total += spread * max(0, 1 - deviation)
          row[k] = deviation < 1 ? S(-spread * share / deviation) : 0
        }
        return total
      }
    }
    total = view.dtype == .float32 ? run(Float.self) : run(Double.self)
    self.mixing = mixing
  }
}
