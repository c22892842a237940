import Autodiff
import Geometry
import Settings

/// A batch with all that losses may ask for; what no loss asks for need not be there.
public struct LossContext: Sendable {
  /// [batch, dimension], as the encoder gives them.
  public var embeddings: Tensor
  /// The class of each row.
  public var labels: [Int]
  /// What the batch is compared with by terms without a memory; nil for the batch itself.
  public var reference: ReferenceSet?
  /// What a teacher makes of the same items, one row each; the dimension may be another.
  public var teacher: Tensor?
  /// What memories are given beside the embeddings.
  public var keys = CompositeLoss.Keys()
  /// For miners and modifiers that draw; each term gets a stream of its own.
  public var random: Random

  public init(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet? = nil, teacher: Tensor? = nil,
    keys: CompositeLoss.Keys = CompositeLoss.Keys(), random: Random
  ) {
    (self.embeddings, self.labels, self.reference) = (embeddings, labels, reference)
    (self.teacher, self.keys, self.random) = (teacher, keys, random)
  }
}
