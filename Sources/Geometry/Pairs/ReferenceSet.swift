import Autodiff

/// Embeddings that a batch is compared with instead of with itself: a memory bank, or a gallery.
public struct ReferenceSet: Sendable {
  /// [references, dimension], of the batch's dtype.
  public var embeddings: Tensor
  /// The class of each row.
  public var labels: [Int]
  /// For each row of the batch its own place among the references, or nil where it has none.
  ///
  /// A row makes no pair with itself. Empty if no row of the batch is among the references.
  public var places: [Int?]

  public init(embeddings: Tensor, labels: [Int], places: [Int?] = []) {
    (self.embeddings, self.labels, self.places) = (embeddings, labels, places)
  }
}
