import Autodiff
import Geometry
import Settings

/// Short embeddings: the mean of their p-norms.
///
///     mean_i ‖x_i‖ₚ to `power`
///
/// A row of zeros takes no gradient. O(batch × dimension).
///
/// Defaults: p = 2, power 1, weight 1, of the embeddings.
/// - Reference: pytorch-metric-learning (2020), `LpRegularizer`.
public struct LpRegularizer: Regularizer {
  public var p = 2.0
  public var power = 1.0
  public var weight = 1.0
  public var of = RegularizedRows.embeddings
  public init() {}

  public static let summary = "short embeddings: the mean of their p-norms"
  public static let source = "pytorch-metric-learning, LpRegularizer, 2020"
  public static var settings: [Setting<Self>] {
    [
      Setting("p", \Self.p, "which norm", in: 1...1000),
      Setting("power", \Self.power, "what the norm is raised to", in: 0.01...100),
    ] + regularizerSettings
  }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    let origin = Tensor(zeros: [1, rows.shape[1]], dtype: .float64)
    return Distance(.euclidean, normalizes: false, power: power, p: p)
      .matrix(rows, origin).mean()
  }
}
