import Autodiff
import Geometry
import Settings

/// Similarities of a kind near their mean.
///
/// With s the cosine, μ₊ and μ₋ the means over the positive and the negative pairs, which take part
/// in the gradient:
///
///     mean_P [(1 - ε₊) μ₊ - s]₊² + mean_N [s - (1 + ε₋) μ₋]₊²
///
/// A pair that tuples repeat counts each time; an empty mean is 0. Meant to be added to another
/// loss. Defaults: ε₊ = ε₋ = 0.01. O(batch²).
/// - Reference: Yu et al., *Deep Metric Learning with Tuplet Margin Loss* (ICCV 2019).
public struct IntraPairVarianceLoss: Loss {
  public var positiveEpsilon, negativeEpsilon: Double

  public init(positiveEpsilon: Double, negativeEpsilon: Double) {
    (self.positiveEpsilon, self.negativeEpsilon) = (positiveEpsilon, negativeEpsilon)
  }
  public init() { self.init(positiveEpsilon: 0.01, negativeEpsilon: 0.01) }

  public static let summary = "similarities of a kind near their mean, on top of another loss"
  public static let source =
    "Yu and Tao, Deep Metric Learning with Tuplet Margin Loss, ICCV 2019"
  public static let settings = [
    Setting("positiveEpsilon", \Self.positiveEpsilon, "the slack of positives", in: 0...10),
    Setting("negativeEpsilon", \Self.negativeEpsilon, "the slack of negatives", in: 0...10),
  ]

  public var labelUse: LabelUse { .pairs }
  public var ownReduction: Reduction? { .mean }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pairs = input.pairs
    let matrix = Distance.cosine.matrix(input.embeddings, input.reference?.embeddings)
    let rows = VarianceRows(
      matrix: matrix.detached, pairs: pairs, positiveFactor: 1 - positiveEpsilon,
      negativeFactor: 1 + negativeEpsilon)
    return matrix.reduced(by: rows, pairs: pairs, reducer: input.rowReducer)
  }
}

private struct VarianceRows: RowFunction {
  let positiveFactor, negativeFactor: Double
  var positiveMean = 0.0
  var negativeMean = 0.0
  /// The means of the hinges.
  var positiveHinge = 0.0
  var negativeHinge = 0.0
  /// Which terms count, if not all do alike.
  var choice: TermChoice?
  let matrix: Tensor
  let pairs: PairTable

  init(matrix: Tensor, pairs: PairTable, positiveFactor: Double, negativeFactor: Double) {
    (self.matrix, self.pairs) = (matrix, pairs)
    (self.positiveFactor, self.negativeFactor) = (positiveFactor, negativeFactor)
    // First the two means, then those of the hinges, through which the means have a gradient.
    (positiveMean, negativeMean) = means(of: .values)
    (positiveHinge, negativeHinge) = means(of: .hinges)
  }

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    (result.positiveHinge, result.negativeHinge) = means(of: .chosen(choice))
    return result
  }

  static var reducesNegativesApart: Bool { true }

  @inline(__always)
  func hinge(_ value: Double, isPositive: Bool) -> Double {
    isPositive
      ? max(0, positiveFactor * positiveMean - value)
      : max(0, value - negativeFactor * negativeMean)
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let choice else {
      evaluateAll(row, into: &sums)
      return
    }
    for j in row.indices where row.kinds[j] != 0 {
      let times = Int(abs(row.kinds[j]))
      if row.kinds[j] > 0 {
        let cost = hinge(Double(row.values[j]), isPositive: true)
        sums.terms.add(cost * cost, times: times)
        let own = cost * choice.factor(cost * cost, row: row.index)
        row.derivatives[j] = S(2 * (positiveFactor * positiveHinge - own)) * S(times)
      } else {
        let cost = hinge(Double(row.values[j]), isPositive: false)
        sums.negativeTerms.add(cost * cost, times: times)
        let own = cost * choice.factor(cost * cost, row: row.index, isPositive: false)
        row.derivatives[j] = S(2 * (own - negativeFactor * negativeHinge)) * S(times)
      }
    }
  }
}

extension VarianceRows {
  /// The bounds of the hinges.
  private func bounds<S: Scalar>() -> Sides<S> {
    Sides(positive: S(positiveFactor * positiveMean), negative: S(negativeFactor * negativeMean))
  }

  /// Every term as often as its pair occurs.
  @inline(__always)
  private func evaluateAll<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (values, kinds, derivatives) = row.start else { return }
    let terms = row.kernels.squaredHinges(
      derivatives, values, kinds: kinds, bounds: bounds(),
      bases: Sides(
        positive: S(positiveFactor * positiveHinge), negative: S(negativeFactor * negativeHinge)),
      sign: -1, row.values.count)
    sums.terms.add(terms.positive)
    sums.negativeTerms.add(terms.negative)
  }

  fileprivate enum Terms {
    case values, hinges
    /// The hinges of the terms that count, with their weights.
    case chosen(TermChoice)
  }

  /// The means over the positive and the negative pairs; 0 for a kind without any.
  fileprivate func means(of terms: Terms) -> (positive: Double, negative: Double) {
    let sums =
      matrix.dtype == .float32 ? sums(of: terms, Float.self) : sums(of: terms, Double.self)
    return (sums[0] / max(1, sums[2]), sums[1] / max(1, sums[3]))
  }

  /// The totals of both kinds, then their counts.
  private func sums<S: Scalar>(of terms: Terms, _: S.Type) -> SIMD4<Double> {
    let (columns, grain, kernels) = (pairs.columns, 16, RowKernels<S>())
    var pieces = [SIMD4<Double>](repeating: .zero, count: (pairs.rows + grain - 1) / grain)
    matrix.withElements(of: S.self) { values in
      guard let values = values.baseAddress else { return }
      pieces.withUnsafeMutableBufferPointer { pieces in
        Parallel.forEachRange(pairs.rows, grain: grain) { rows in
          withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
            withUnsafeTemporaryAllocation(of: S.self, capacity: columns) { slopes in
              guard let slopes = slopes.baseAddress else { return }
              for i in rows {
                pairs.fill(kinds, row: i)
                pieces[rows.lowerBound / grain] += sums(
                  of: terms, row: i, values + i * columns, UnsafeBufferPointer(kinds), slopes,
                  kernels)
              }
            }
          }
        }
      }
    }
    return pieces.reduce(.zero, +)
  }

  @inline(__always)
  private func sums<S: Scalar>(
    of terms: Terms, row: Int, _ values: UnsafePointer<S>, _ kinds: UnsafeBufferPointer<Int32>,
    _ slopes: UnsafeMutablePointer<S>, _ kernels: RowKernels<S>
  ) -> SIMD4<Double> {
    guard let start = kinds.baseAddress else { return .zero }
    switch terms {
    case .values: return SIMD4(kernels.sideSums(values, kinds: start, kinds.count))
    case .hinges:
      return SIMD4(
        kernels.hinges(slopes, values, kinds: start, bounds: bounds(), sign: -1, kinds.count))
    case .chosen(let choice):
      var sums = SIMD4<Double>.zero
      for j in kinds.indices where kinds[j] != 0 {
        let (isPositive, times) = (kinds[j] > 0, Double(abs(kinds[j])))
        let cost = hinge(Double(values[j]), isPositive: isPositive)
        let term = cost * choice.factor(cost * cost, row: row, isPositive: isPositive) * times
        sums += isPositive ? SIMD4(term, 0, times, 0) : SIMD4(0, term, 0, times)
      }
      return sums
    }
  }
}

extension SIMD4<Double> {
  fileprivate init(_ terms: Sides<PairTerms>) {
    self.init(
      terms.positive.total, terms.negative.total, Double(terms.positive.count),
      Double(terms.negative.count))
  }
}
