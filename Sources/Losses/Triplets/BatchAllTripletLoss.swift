import Autodiff
import Geometry
import Settings

/// Every triplet of the batch, averaged over all of them or over those that cost something.
///
/// With d the distance, the mean over the triplets, or over those above 0, of
///
///     [d(a, p) - d(a, n) + m]₊          or log(1 + exp(d(a, p) - d(a, n)))
///
/// A similarity is negated. Pairs are joined where they share an anchor. Triplets are never listed:
/// O(batch²) memory, O(batch² × positives) time, or O(batch² log batch) for the hinge.
///
/// Defaults: hinge with m = 0.2, mean over all, Euclidean distance of raw embeddings. One class, or
/// distinct classes, give 0. Collapsed embeddings give m or log 2, and no gradient.
/// - Reference: Hermans, Beyer and Leibe, *In Defense of the Triplet Loss for Person
///   Re-Identification* (2017).
public struct BatchAllTripletLoss: Loss, Measuring {
  /// Over which triplets the mean is.
  public enum Average: String, Sendable, CaseIterable {
    case all
    case nonZero = "non-zero"
  }

  /// How a violation becomes a cost.
  public enum Activation: String, Sendable, CaseIterable { case hinge, softplus }

  public var activation = Activation.hinge
  public var margin = 0.2
  public var average = Average.all
  public var distance = Distance(.euclidean, normalizes: false)

  public init() {}

  public static let summary = "every triplet of the batch, averaged over all or those that cost"
  public static let source =
    "Hermans, Beyer and Leibe, In Defense of the Triplet Loss for Person Re-Identification, 2017"
  public static var settings: [Setting<Self>] {
    [
      Setting("activation", \Self.activation, "how a violation becomes a cost"),
      Setting("margin", \Self.margin, "how much farther a negative should be, for the hinge"),
      Setting("average", \Self.average, "whether triplets that cost nothing are counted"),
    ] + distanceSettings
  }

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { average == .all ? .mean : .meanOfActive }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let matrix = wide.distances(distance)
    let isSoft = activation == .softplus
    let term = HingeTerm(margin: isSoft ? 0 : margin, sign: distance.sign, isSmooth: isSoft)
    let reduction = ownReduction ?? .mean
    let output: LossOutput
    if case .triplets(let triplets) = input.tuples {
      let list = ListedTriplets(
        term: term, swappingIn: nil, triplets: triplets,
        rows: input.labels.count)
      output = matrix.reduced(
        by: ReducedRows(rows: list, reduction: reduction),
        pairs: input.allPairs, reducer: input.rowReducer)
    } else {
      output = matrix.reduced(
        by: ReducedRows(rows: JoinedTriplets(term: term), reduction: reduction),
        pairs: input.pairs, reducer: input.rowReducer)
    }
    return output.narrowed(to: input.embeddings.dtype)
  }
}

/// A function of rows under another reduction.
private struct ReducedRows<Rows: RowFunction>: RowFunction {
  let rows: Rows
  let reduction: Reduction

  func choosing(_ choice: TermChoice) -> Self? {
    rows.choosing(choice).map { Self(rows: $0, reduction: reduction) }
  }

  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    rows.evaluate(row, into: &sums)
  }
}
