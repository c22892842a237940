import Autodiff
import Geometry
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

  public var ownReduction: Reduction? { .mean }

  public var scoreDistance: Distance { Distance(.euclidean, normalizes: false) }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let input = input.pooled
    let difference = input.embeddings.widened() - proxies.widened().rows(at: input.labels)
    let squares = (difference * difference).sumOverColumns()
    let rows = input.labels.count
    return squares.reshaped(to: [rows, 1]).reduced(
      by: Halves(), pairs: PairTable(rowLabels: input.labels, columnLabels: [0]),
      weights: input.rowWeights, reducer: input.rowReducer
    ).narrowed(to: input.embeddings.dtype)
  }
}

/// Half of the one value of each row.
private struct Halves: RowFunction {
  static var hasTermPerRow: Bool { true }

  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    row.derivatives[0] = 0.5
    sums.terms.add(row.weighted(row.values[0] / 2))
  }
}
