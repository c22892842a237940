import Autodiff
import Miners
import Settings

/// Half the squared distance of every row to the center of its class.
///
/// With c_y the learned center of the row's class, the mean over the rows of
///
///     ½ ‖x - c_y‖²
///
/// A row on its center costs 0; a row of zeros moves like any other. The centers are learned by gradient, like proxies, where the publication moves them by a rule of its
/// own. Embeddings and centers are raw. Meant to be added to a classifier's loss: by itself, it is
/// least where all embeddings are equal. O(batch × classes).
///
/// Defaults: centers drawn from N(0, 1).
/// - Reference: Wen et al., *A Discriminative Feature Learning Approach for Deep Face Recognition*
///   (ECCV 2016).
public struct CenterLoss: ProxyLoss {
  public var proxies = noProxies

  public init() {}

  public static let summary = "half the squared distance of every row to its class's center"
  public static let source =
    "Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition, ECCV 2016"

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let difference = input.embeddings.widened() - proxies.widened().rows(at: input.labels)
    let weights = input.rowWeights ?? input.labels.map { _ in 1 }
    let count = input.labels.count
    let squares =
      (difference * difference).sumOverColumns()
      * Tensor(weights.map { $0 / (2 * Double(max(1, count))) }, shape: [count])
    let active = squares.elements(as: Double.self).count { $0 > 0 }
    return LossOutput(value: squares.sum(), active: Double(active) / Double(max(1, count)))
      .narrowed(to: input.embeddings.dtype)
  }
}
