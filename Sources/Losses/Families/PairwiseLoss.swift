import Autodiff
import Geometry
import Settings

/// A loss that is a sum over anchors, each a function of the anchor's distances.
///
/// Write what one anchor adds, as a ``RowFunction``; the way from embeddings to distances and back
/// is here. Works with a reference set and with any tuples.
public protocol PairwiseLoss: Loss, RowFunction {
  /// How embeddings are compared; a loss that lets it be set conforms to ``Miners/Measuring`` too.
  var distance: Distance { get }
  /// Whether a batch without positive pairs, or without negative pairs, gives 0.
  var needsBothKinds: Bool { get }
}

extension PairwiseLoss {
  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }
  public var needsBothKinds: Bool { false }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pairs = input.pairs
    return input.distances(distance).reduced(
      by: self, pairs: !needsBothKinds || pairs.hasBothKinds ? pairs : pairs.ignored,
      reducer: input.rowReducer)
  }
}

extension LossInput {
  /// The pairs of the batch: those of the tuples, or all.
  public var pairs: PairTable {
    let columns = reference?.labels.count ?? labels.count
    return tuples.map { PairTable($0, rows: labels.count, columns: columns) } ?? allPairs
  }

  /// All pairs of the batch, whatever the tuples are.
  var allPairs: PairTable {
    PairTable(labels: labels, reference: reference, likeness: likeness)
  }

  /// Whether rows of two labels make a negative pair.
  var areUnlike: (Int, Int) -> Bool {
    { [likeness] a, b in likeness.map { $0.kind(a, b) < 0 } ?? (a != b) }
  }

  /// A weight for each row of the batch from how often it occurs in the tuples; nil without them.
  public var rowWeights: [Double]? {
    tuples?.weights(rows: labels.count, anchorsOnly: reference != nil)
  }
}
