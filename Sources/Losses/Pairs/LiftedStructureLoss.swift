import Autodiff
import Geometry
import Settings

/// Each positive pair against the negatives of both its rows.
///
/// With d the distance, the mean over the positive pairs (a, p) of
///
///     1/2 [log(Σ_{N(a)} exp(m₋ - d) + Σ_{N(p)} exp(m₋ - d)) + d_ap - m₊]₊²
///
/// With a similarity the differences change sign. A batch without a positive or without a negative
/// pair gives 0. A pair that tuples repeat counts each time. A reference that is no row of
/// the batch is no anchor, so only the anchor's negatives count.
///
/// Defaults: m₊ = 0, m₋ = 1, Euclidean distance of normalised embeddings. O(batch²) time and
/// memory: the sum over each row's negatives is found once.
/// - Reference: Song et al., *Deep Metric Learning via Lifted Structured Feature Embedding*
///   (CVPR 2016).
public struct LiftedStructureLoss: PairMargins {
  public var positiveMargin = 0.0
  public var negativeMargin = 1.0
  public var distance = Distance.euclidean

  public init() {}

  public static let summary = "each positive pair against the negatives of both its rows"
  public static let source =
    "Song et al., Deep Metric Learning via Lifted Structured Feature Embedding, CVPR 2016"

  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let all = input.pairs
    let pairs = all.hasBothKinds ? all : all.ignored
    let matrix = distance.matrix(input.embeddings, input.reference?.embeddings)
    let rows = LiftedRows(
      matrix: matrix.detached, pairs: pairs, sign: distance.sign, positiveMargin: positiveMargin,
      negativeMargin: negativeMargin, partners: input.rowsOfColumns)
    return matrix.reduced(by: rows, pairs: pairs, reducer: input.rowReducer)
  }
}

/// The rows, once the sum over each row's negatives is known.
private struct LiftedRows: RowFunction {
  let matrix: Tensor
  let pairs: PairTable
  private var choice = TermChoice()
  let sign, positiveMargin, negativeMargin: Double
  /// The row that each column is, whose negatives count too.
  let partners: [Int?]
  /// log Σ exp(m₋ - d) over each row's negatives, -∞ without any.
  private var sums: [Double] = []
  /// The derivative of the loss in each of these.
  private var slopes: [Double] = []

  init(
    matrix: Tensor, pairs: PairTable, sign: Double, positiveMargin: Double,
    negativeMargin: Double, partners: [Int?]
  ) {
    (self.matrix, self.pairs) = (matrix, pairs)
    (self.sign, self.partners) = (sign, partners)
    (self.positiveMargin, self.negativeMargin) = (positiveMargin, negativeMargin)
    prepare()
  }

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    result.prepare()
    return result
  }

  private mutating func prepare() {
    sums = [Double](repeating: -.infinity, count: pairs.rows)
    slopes = [Double](repeating: 0, count: pairs.rows)
    switch matrix.dtype {
    case .float32: prepare(matrix, pairs, Float.self)
    case .float64: prepare(matrix, pairs, Double.self)
    }
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private mutating func prepare<S: Scalar>(_ matrix: Tensor, _ pairs: PairTable, _: S.Type) {
    let (columns, kernels) = (pairs.columns, RowKernels<S>())
    let (sign, margin) = (S(sign), S(negativeMargin))
    matrix.withElements(of: S.self) { matrix in
      guard let values = matrix.baseAddress else { return }
      sums.withUnsafeMutableBufferPointer { sums in
        Parallel.forEachRange(pairs.rows, grain: 16) { rows in
          withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
            withUnsafeTemporaryAllocation(of: S.self, capacity: columns) { exponents in
              guard let start = kinds.baseAddress, let exponents = exponents.baseAddress
              else { return }
              for i in rows {
                pairs.fill(kinds, row: i)
                kernels.scaleSides(
                  exponents, values + i * columns, kinds: start,
                  factors: Sides(positive: 0, negative: -sign),
                  offsets: Sides(positive: 0, negative: sign * margin), columns)
                let peak = kernels.sideMaxima(exponents, kinds: start, columns).negative
                guard peak > -S.infinity else { continue }
                let sum = kernels.sideExp(
                  exponents, exponents, kinds: start,
                  peaks: Sides(positive: S.infinity, negative: peak), counting: true, columns)
                sums[i] = Double(peak) + Double.log(Double(sum.negative))
              }
            }
          }
        }
      }
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
        guard let start = kinds.baseAddress else { return }
        for i in 0..<pairs.rows {
          pairs.fill(kinds, row: i)
          var j = kernels.nextPositive(start, from: 0, columns)
          while j < columns {
            let (cost, total) = violation(Double(values[i * columns + j]), i, j)
            if cost > 0, total > -.infinity {
              let weight = cost * Double(kinds[j]) * choice.factor(cost * cost / 2, row: i)
              slopes[i] += weight * Double.exp(sums[i] - total)
              if let other = partners[j] {
                slopes[other] += weight * Double.exp(sums[other] - total)
              }
            }
            j = kernels.nextPositive(start, from: j + 1, columns)
          }
        }
      }
    }
  }

  /// The hinge of a positive pair, and the sum over the negatives of both rows.
  private func violation(_ value: Double, _ i: Int, _ j: Int) -> (hinge: Double, total: Double) {
    let other = partners[j].map { sums[$0] } ?? -.infinity
    let peak = max(sums[i], other)
    let total =
      peak > -.infinity
      ? peak + Double.log(Double.exp(sums[i] - peak) + Double.exp(other - peak)) : -.infinity
    let lifted = total > -.infinity ? total : 0
    return (max(0, lifted + sign * (value - positiveMargin)), total)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let (own, slope) = (self.sums[row.index], slopes[row.index])
    guard let (_, kinds, derivatives) = row.start else { return }
    let (way, margin) = (S(sign), S(negativeMargin))
    row.scale(by: Sides(positive: 0, negative: -way), from: Sides(positive: 0, negative: margin))
    _ = row.kernels.sideExp(
      derivatives, derivatives, kinds: kinds, peaks: Sides(positive: 0, negative: S(own)),
      counting: true, row.values.count)
    row.scaleDerivatives(by: Sides(positive: 0, negative: -S(sign * slope)))
    var added = TermSum(within: sums.terms.bounds)
    row.forEachPositive { j in
      let (hinge, _) = violation(Double(row.values[j]), row.index, j)
      let term = hinge * hinge / 2
      added.add(term, times: Int(kinds[j]))
      derivatives[j] = S(sign * hinge * choice.factor(term, row: row.index)) * S(kinds[j])
    }
    sums.terms.add(added)
  }
}
