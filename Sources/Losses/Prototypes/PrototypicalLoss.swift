import Autodiff
import Geometry
import Settings

/// Softmax classification of a query by the squared distances to the means of the classes.
///
/// The first row of each class is its query q, the mean of its other rows its prototype c; with a
/// reference set every row is a query, and the prototypes are the means of the references' classes.
/// The mean over the queries of
///
///     -log(exp(-‖q - c_y‖²) / Σ_k exp(-‖q - c_k‖²))
///
/// Embeddings are raw. A class of one row is a prototype without a query. Without a query the loss
/// is 0; with one class too. The order of a class's rows matters. O(batch × classes).
/// - Reference: Snell, Swersky and Zemel, *Prototypical Networks for Few-shot Learning* (NeurIPS
///   2017); as in Chung et al., *In Defence of Metric Learning for Speaker Recognition* (2020).
public struct PrototypicalLoss: Loss {
  public init() {}

  public static let summary = "softmax classification by squared distances to the classes' means"
  public static let source =
    "Snell, Swersky and Zemel, Prototypical Networks for Few-shot Learning, NeurIPS 2017"
  public static var dependsOnOrder: Bool { true }

  public static var reducesOtherRows: Bool { true }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let episode = Episode(wide) { $0 == 0 }
    let squares = Distance(.squaredEuclidean, normalizes: false).matrix(
      wide.embeddings.rows(at: episode.queries), episode.prototypes)
    return squares.reduced(
      by: ClassSoftmax(scale: -1), pairs: episode.pairs, weights: episode.weights(input),
      reducer: episode.reducer(input)
    ).narrowed(to: input.embeddings.dtype)
  }
}
