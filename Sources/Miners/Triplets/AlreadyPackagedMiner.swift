import Autodiff
import Geometry
import Settings

/// The triplets of a batch that lists them: every three rows are an anchor, a positive, a negative.
///
/// Rows 3i, 3i + 1 and 3i + 2 are a triplet if their labels are those of one: the first two equal
/// and the third another. One or two rows at the end are ignored. With a reference set the positive
/// and the negative are found by their places in it, and a triplet that lacks one is left out.
/// - Complexity: O(batch).
public struct AlreadyPackagedMiner: Miner {
  public init() {}

  public static let summary = "every three rows in turn, as anchor, positive and negative"
  public static let source =
    "Musgrave, Belongie and Lim, PyTorch Metric Learning, 2020 "
    + "(EmbeddingsAlreadyPackagedAsTriplets; no paper of its own)"
  public static var settings: [Setting<Self>] { [] }

  public func mine(
    _ embeddings: Tensor, labels: [Int], reference: ReferenceSet?, random: Random
  ) -> Tuples {
    let places: [Int?] = reference?.places ?? labels.indices.map { $0 }
    var triplets: [Triplet] = []
    for anchor in stride(from: 0, to: labels.count - 2, by: 3) {
      guard labels[anchor] == labels[anchor + 1], labels[anchor] != labels[anchor + 2],
        anchor + 2 < places.count, let positive = places[anchor + 1],
        let negative = places[anchor + 2]
      else { continue }
      triplets.append(Triplet(anchor, positive, negative))
    }
    return .triplets(triplets)
  }
}
