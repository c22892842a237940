import Autodiff
import Geometry
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
    if input.tuples == nil, input.reducer == nil, let numbers = input.allPairs.numbers {
      return reducedByClasses(input, numbers.rows, numbers.columns)
    }
    let positive = firstPairs(of: input)
    // Only what was chosen is compared.
    let others = Set(positive.map(\.other)).sorted()
    let kinds = kinds(of: positive, with: others, among: input.allPairs)
    // But a reducer looks at the rows of the batch.
    if let reducer = input.rowReducer {
      let negative = kinds.indices.flatMap { index -> [Pair] in
        let (row, column) = index.quotientAndRemainder(dividingBy: others.count)
        let pair = Pair(positive[row].anchor, others[column])
        return Array(repeating: pair, count: Int(max(0, -kinds[index])))
      }
      return distance.matrix(input.embeddings, input.reference?.embeddings).reduced(
        by: self,
        pairs: PairTable(
          .pairs(positive: positive, negative: negative), rows: input.pairs.rows,
          columns: input.pairs.columns),
        reducer: reducer)
    }
    return matrix(input, positive, others).reduced(
      by: self, pairs: PairTable(kinds: kinds, rows: positive.count, columns: others.count))
  }

  /// The distances of the anchors to the given columns.
  private func matrix(_ input: LossInput, _ positive: [Pair], _ others: [Int]) -> Tensor {
    let anchors = input.embeddings.rows(at: positive.map(\.anchor))
    let candidates = (input.reference?.embeddings ?? input.embeddings).rows(at: others)
    return distance.matrix(anchors, candidates)
  }

  /// The same where numbers tell which rows and columns are alike, so that each class has one pair.
  private func reducedByClasses(
    _ input: LossInput, _ rows: [Int32], _ columns: [Int32]
  ) -> LossOutput {
    let (kernels, places) = (RowKernels<Float>(), input.places)
    var positive: [Pair] = []
    var found: Set<Int32> = []
    columns.withUnsafeBufferPointer { columns in
      guard let start = columns.baseAddress else { return }
      for (row, number) in rows.enumerated() where !found.contains(number) {
        var other = kernels.nextEqual(start, to: number, from: 0, columns.count)
        if other == places[row] {
          other = kernels.nextEqual(start, to: number, from: other + 1, columns.count)
        }
        guard other < columns.count else { continue }
        positive.append(Pair(row, other))
        found.insert(number)
      }
    }
    let others = positive.map(\.other).sorted()
    return matrix(input, positive, others).reduced(
      by: self,
      pairs: PairTable(
        rowLabels: positive.map { Int(rows[$0.anchor]) },
        columnLabels: others.map { Int(columns[$0]) }))
  }

  /// The first positive pair of each class; an anchor of the class of an earlier pair is left out.
  private func firstPairs(of input: LossInput) -> [Pair] {
    let (pairs, all, places) = (input.pairs, input.allPairs, input.places)
    var found: [Pair] = []
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: pairs.columns) { kinds in
      for row in input.labels.indices {
        all.fill(kinds, row: row)
        if found.contains(where: { kinds[$0.other] > 0 || places[row] == $0.other }) { continue }
        pairs.fill(kinds, row: row)
        if let other = kinds.firstIndex(where: { $0 > 0 }) { found.append(Pair(row, other)) }
      }
    }
    return found
  }

  /// How each chosen anchor pairs with each of the columns that were chosen.
  private func kinds(of positive: [Pair], with others: [Int], among all: PairTable) -> [Int32] {
    var columns = [Int](repeating: 0, count: all.columns)
    for (column, other) in others.enumerated() { columns[other] = column }
    var result = [Int32](repeating: 0, count: positive.count * others.count)
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: all.columns) { kinds in
      for (row, pair) in positive.enumerated() {
        all.fill(kinds, row: pair.anchor)
        let start = row * others.count
        for other in positive where kinds[other.other] < 0 {
          result[start + columns[other.other]] -= 1
        }
        result[start + columns[pair.other]] += 1
      }
    }
    return result
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let cost = row.softmaxCost(scale: S(-distance.sign)) else { return }
    sums.terms.add(Double(cost))
  }
}
