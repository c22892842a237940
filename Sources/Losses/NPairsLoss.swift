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
/// Defaults: dot product of normalised embeddings; `normalize: false` for the paper's. Classes
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

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pairs = input.pairs
    var first: [Int: Pair] = [:]
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for (row, label) in input.labels.enumerated() where first[label] == nil {
        pairs.fill(kinds, row: row)
        first[label] = kinds.firstIndex { $0 > 0 }.map { Pair(row, $0) }
      }
    }
    let positive = first.values.sorted()
    let negative = positive.flatMap { pair in
      positive.filter { $0.other != pair.other }.map { Pair(pair.anchor, $0.other) }
    }
    return distance.matrix(input.embeddings, input.reference?.embeddings).reduced(
      by: self,
      pairs: PairTable(
        .pairs(positive: positive, negative: negative), rows: pairs.rows, columns: pairs.columns))
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign)) else { return }
    sums.terms.add(Double(cost))
  }
}
