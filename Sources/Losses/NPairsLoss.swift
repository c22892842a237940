import Autodiff
import Miners
import Settings

/// One pair of each class, each positive against the positives of the other classes.
///
/// With (a_c, p_c) the first positive pair of class c and s the similarity (a distance is
/// negated), the mean over the classes of
///
///     -log(exp(s(a_c, p_c)) / Σ_k exp(s(a_c, p_k)))
///
/// Where relevance stands in for classes, a row positive with the positive of an earlier pair is of
/// its class. Defaults: dot product of normalised embeddings; `normalize: false` for the paper's. Classes
/// without a positive pair are left out; distinct classes give 0. Tuples choose the positive pairs.
/// O(batch²).
/// - Reference: Sohn, *Improved Deep Metric Learning with Multi-class N-pair Loss Objective*
///   (NIPS 2016).
public struct NPairsLoss: Loss, RowFunction, Measuring {
  public var distance: Distance

  public init(distance: Distance) { self.distance = distance }
  public init() { self.init(distance: Distance(.dot)) }

  public static let summary = "one pair of each class, each positive against the other positives"
  public static let source =
    "Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, NIPS 2016"
  public static var settings: [Setting<Self>] { distanceSettings }
  public static var dependsOnOrder: Bool { true }

  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let (pairs, all, places) = (input.pairs, input.allPairs, input.places)
    // An anchor that is of the class of an earlier pair is left out.
    var positive: [Pair] = []
    var negative: [Pair] = []
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for row in input.labels.indices {
        all.fill(kinds, row: row)
        if positive.contains(where: { kinds[$0.other] > 0 || places[row] == $0.other }) { continue }
        pairs.fill(kinds, row: row)
        if let other = kinds.firstIndex(where: { $0 > 0 }) { positive.append(Pair(row, other)) }
      }
      for pair in positive {
        all.fill(kinds, row: pair.anchor)
        for other in positive where kinds[other.other] < 0 {
          negative.append(Pair(pair.anchor, other.other))
        }
      }
    }
    // A reducer looks at the rows of the batch.
    if let reducer = input.rowReducer {
      return distance.matrix(input.embeddings, input.reference?.embeddings).reduced(
        by: self,
        pairs: PairTable(
          .pairs(positive: positive, negative: negative), rows: pairs.rows, columns: pairs.columns),
        reducer: reducer)
    }
    // Else only what was chosen is compared.
    let others = Set(positive.map(\.other)).sorted()
    let columns = Dictionary(uniqueKeysWithValues: zip(others, others.indices))
    let rows = Dictionary(uniqueKeysWithValues: zip(positive.map(\.anchor), positive.indices))
    func placed(_ pairs: [Pair]) -> [Pair] {
      pairs.compactMap { pair in
        guard let row = rows[pair.anchor], let column = columns[pair.other] else { return nil }
        return Pair(row, column)
      }
    }
    let anchors = input.embeddings.rows(at: positive.map(\.anchor))
    let candidates = (input.reference?.embeddings ?? input.embeddings).rows(at: others)
    return distance.matrix(anchors, candidates).reduced(
      by: self,
      pairs: PairTable(
        .pairs(positive: placed(positive), negative: placed(negative)), rows: positive.count,
        columns: others.count))
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign)) else { return }
    sums.terms.add(Double(cost))
  }
}
