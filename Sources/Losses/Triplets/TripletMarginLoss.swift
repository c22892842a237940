import Autodiff
import Geometry
import Settings

/// A negative farther than a positive, by a margin.
///
/// With d the distance, the mean over the triplets whose term is above 0 of
///
///     [d(a, p) - d(a, n) + m]₊          or, if smooth, log(1 + exp(d(a, p) - d(a, n) + m))
///
/// With `swap`, d(a, n) is the smaller of d(a, n) and d(p, n). A similarity is negated. Without
/// tuples, all triplets of the batch; pairs are joined where they share an anchor. The triplets are
/// never listed: without `swap` and `smooth` an anchor with many positives sorts its distances, so
/// a batch costs O(batch² log batch); else O(batch² × positives). Memory is O(batch²).
///
/// Defaults: m = 0.05, Euclidean distance of normalised embeddings. One class, or distinct
/// classes, give 0. Collapsed embeddings give m and no gradient. With
/// `swap` and a reference set p and n are references; memory is O((batch + references)²).
/// - Reference: Schroff, Kalenichenko and Philbin, *FaceNet: A Unified Embedding for Face
///   Recognition and Clustering* (CVPR 2015); swap: Balntas et al. (BMVC 2016).
public struct TripletMarginLoss: Loss, Measuring {
  public var margin: Double
  public var swap, smooth: Bool
  public var distance: Distance

  public init(
    margin: Double, swap: Bool = false, smooth: Bool = false, distance: Distance = .euclidean
  ) {
    (self.margin, self.swap, self.smooth, self.distance) = (margin, swap, smooth, distance)
  }
  public init() { self.init(margin: 0.05) }

  public static let summary = "every negative farther than every positive, by a margin"
  public static let source =
    "Schroff, Kalenichenko and Philbin, FaceNet: A Unified Embedding for Face Recognition and "
    + "Clustering, CVPR 2015"
  public static var settings: [Setting<Self>] {
    [
      Setting("margin", \Self.margin, "how much farther a negative should be than a positive"),
      Setting("swap", \Self.swap, "whether the positive may stand in for the anchor"),
      Setting("smooth", \Self.smooth, "whether the hinge is rounded, so that no triplet is done"),
    ] + distanceSettings
  }

  public var goesByRows: Bool { !swap }
  public var labelUse: LabelUse { .pairs }

  public var ownReduction: Reduction? { .meanOfActive }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let term = HingeTerm(margin: margin, sign: distance.sign, isSmooth: smooth)
    guard !swap else { return swapped(term, RowsAndReferences(input), input) }
    let matrix = input.distances(distance)
    guard case .triplets(let triplets) = input.tuples else {
      return matrix.reduced(
        by: JoinedTriplets(term: term), pairs: input.pairs, reducer: input.rowReducer)
    }
    let list = ListedTriplets(
      term: term, swappingIn: nil, triplets: triplets,
      rows: input.labels.count)
    return matrix.reduced(by: list, pairs: input.allPairs, reducer: input.rowReducer)
  }

  private func swapped(
    _ term: HingeTerm, _ set: RowsAndReferences, _ input: LossInput
  ) -> LossOutput {
    let matrix = distance.matrix(set.embeddings)
    let (all, rows) = (set.allPairs, set.allPairs.rows)
    let triplets: [Triplet]
    switch set.tuples {
    case nil:
      let swapped = SwappedTriplets(
        term: term, matrix: matrix.detached, pairs: all, positives: PositivePairs(all))
      return matrix.reduced(by: swapped, pairs: all, reducer: set.rowReducer(input))
    case .triplets(let given): triplets = given
    case .pairs(let positive, let negative):
      triplets = joined(positive, negative, rows: rows)
    }
    let list = ListedTriplets(
      term: term, swappingIn: matrix.detached, triplets: triplets, rows: rows)
    return matrix.reduced(by: list, pairs: all, reducer: set.rowReducer(input))
  }
}

/// Every triplet of a positive and a negative pair with the same anchor.
private func joined(_ positive: [Pair], _ negative: [Pair], rows: Int) -> [Triplet] {
  var others = [[Int]](repeating: [], count: rows)
  for pair in negative { others[pair.anchor].append(pair.other) }
  return positive.flatMap { pair in
    others[pair.anchor].map { Triplet(pair.anchor, pair.other, $0) }
  }
}
