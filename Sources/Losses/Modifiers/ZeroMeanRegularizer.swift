import Autodiff
import Settings

/// Embeddings whose coordinates sum to 0.
///
///     mean_i |Σ_k x_ik|
///
/// The sum is over the coordinates of a row, as in the source, not over the batch.
/// O(batch × dimension).
///
/// Defaults: weight 1, of the embeddings.
/// - Reference: pytorch-metric-learning (2020), `ZeroMeanRegularizer`.
public struct ZeroMeanRegularizer: Regularizer {
  public var weight = 1.0
  public var of = RegularizedRows.embeddings
  public init() {}

  public static let summary = "embeddings whose coordinates sum to 0"
  public static let source = "pytorch-metric-learning, ZeroMeanRegularizer, 2020"
  public static var settings: [Setting<Self>] { regularizerSettings }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    abs(rows.sumOverColumns()).mean()
  }
}
