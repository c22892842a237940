import Autodiff
import Foundation
import Geometry
import Settings

/// A bound on the angle under which a negative sees a positive pair.
///
/// With x the normalised embeddings, t = tan² α and N(a) the rows of other classes, the mean over
/// the positive pairs (a, p) of
///
///     log(1 + Σ_{n ∈ N(a)} exp(4 t (x_a + x_p) · x_n - 2 (1 + t) x_a · x_p))
///
/// With `parity` the negatives x_n are not normalised, as in pytorch-metric-learning. Tuples choose
/// the positive pairs; a pair that they repeat counts each time, and without a negative pair among
/// them there is none. With a reference set positives and
/// negatives are references.
///
/// Default: α = 40°. One class, or distinct classes, give 0. O(batch² × positives) time,
/// O(batch²) memory, O((batch + references)²) with a reference set.
/// - Reference: Wang et al., *Deep Metric Learning with Angular Loss* (ICCV 2017).
public struct AngularLoss: Loss {
  public var alpha: Double
  public var parity: Bool

  public init(alpha: Double, parity: Bool = false) { (self.alpha, self.parity) = (alpha, parity) }
  public init() { self.init(alpha: 40) }

  public static let summary = "a bound on the angle under which a negative sees a positive pair"
  public static let source =
    "Wang et al., Deep Metric Learning with Angular Loss, ICCV 2017"
  public static let settings = [
    Setting("alpha", \Self.alpha, "the bound α, in degrees", in: 0...89),
    Setting("parity", \Self.parity, "whether to be as pytorch-metric-learning is"),
  ]

  public var labelUse: LabelUse { .pairs }

  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    var input = input
    if input.tuples != nil, !input.pairs.hasBothKinds {
      input.tuples = .pairs(positive: [], negative: [])
    }
    let set = RowsAndReferences(input)
    let unit = set.embeddings.withUnitRows()
    let products = unit.timesOwnTranspose()
    // The products with negatives follow those with positives if they are others.
    let matrix =
      parity ? products.appendingColumns(unit.timesTransposed(set.embeddings)) : products
    let (all, rows) = (set.allPairs, set.allPairs.rows)
    let function = AngularRows(
      matrix: matrix.detached, firstNegative: parity ? rows : 0, degrees: alpha,
      positives: PositivePairs(set.pairs), pairs: all)
    return matrix.reduced(
      by: function, pairs: parity ? all.withIgnoredColumns(rows) : all,
      reducer: set.rowReducer(input))
  }
}

/// What one row adds as an anchor, and its derivatives as an anchor and as a positive.
private struct AngularRows: RowFunction {
  let matrix: Tensor
  /// The column of the product with row 0 as a negative.
  let firstNegative: Int
  let degrees: Double
  let positives: PositivePairs
  let pairs: PairTable
  var choice = TermChoice()

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    return result
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let tangent = tan(degrees * .pi / 180)
    let (sharpness, pull) = (S(4 * tangent * tangent), S(2 * (1 + tangent * tangent)))
    let width = matrix.shape[1]
    let count = matrix.shape[0]
    matrix.withElements(of: S.self) { matrix in
      guard let (values, kinds, derivatives) = row.start, let products = matrix.baseAddress
      else { return }
      // The softmax over the negatives of a pair of which this row is one, and `other` the other.
      func add(
        other: Int, anchor: Int, product: S, times: Int, kinds: UnsafePointer<Int32>
      ) -> (cost: S, slope: S) {
        withUnsafeTemporaryAllocation(of: S.self, capacity: count) { memory in
          guard let shares = memory.baseAddress else { return (0, 0) }
          let (own, its) = (values + firstNegative, products + other * width + firstNegative)
          for n in 0..<count { shares[n] = sharpness * (own[n] + its[n]) }
          let peak = row.kernels.sideMaxima(shares, kinds: kinds, count).negative
          guard peak > -S.infinity else { return (0, 0) }
          let peaks = Sides(positive: S.infinity, negative: peak)
          let sum = row.kernels.sideExp(shares, shares, kinds: kinds, peaks: peaks, count).negative
          let (cost, plainSlope) = softplus(peak + S.log(sum) - pull * product)
          let slope = plainSlope * S(choice.factor(Double(cost), row: anchor))
          let factor = sharpness * slope * S(times) / sum
          let target = derivatives + firstNegative
          for n in 0..<count { target[n] += factor * shares[n] }
          return (cost, slope)
        }
      }
      for (p, times) in positives.byAnchor[row.index] {
        let (cost, slope) = add(
          other: p, anchor: row.index, product: row.values[p], times: times, kinds: kinds)
        sums.terms.add(Double(cost), times: times)
        row.derivatives[p] -= pull * slope * S(times)
      }
      // The negatives are the anchor's.
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { itsKinds in
        guard let start = itsKinds.baseAddress else { return }
        for (a, times) in positives.byPositive[row.index] {
          pairs.fill(itsKinds, row: a)
          _ = add(
            other: a, anchor: a, product: matrix[a * width + row.index], times: times, kinds: start)
        }
      }
    }
  }
}
