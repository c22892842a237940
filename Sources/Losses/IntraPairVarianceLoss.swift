import Autodiff
import Miners
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
    let means = matrix.means(of: pairs) { value, _, _ in value }
    (positiveMean, negativeMean) = (means.positive, means.negative)
    let hinges = matrix.means(of: pairs) { [self] value, _, isPositive in
      hinge(value, isPositive: isPositive)
    }
    (positiveHinge, negativeHinge) = (hinges.positive, hinges.negative)
  }

  func choosing(_ choice: TermChoice) -> Self? {
    var result = self
    result.choice = choice
    let hinges = matrix.means(of: pairs) { value, row, isPositive in
      let cost = hinge(value, isPositive: isPositive)
      return cost * choice.factor(cost * cost, row: row, isPositive: isPositive)
    }
    (result.positiveHinge, result.negativeHinge) = (hinges.positive, hinges.negative)
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
  /// Every term as often as its pair occurs.
  @inline(__always)
  private func evaluateAll<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (values, kinds, derivatives) = row.start else { return }
    let terms = row.kernels.squaredHinges(
      derivatives, values, kinds: kinds,
      bounds: Sides(
        positive: S(positiveFactor * positiveMean), negative: S(negativeFactor * negativeMean)),
      bases: Sides(
        positive: S(positiveFactor * positiveHinge), negative: S(negativeFactor * negativeHinge)),
      sign: -1, row.values.count)
    sums.terms.add(terms.positive)
    sums.negativeTerms.add(terms.negative)
  }
}

extension Tensor {
  /// The means of a function over the positive and the negative pairs; 0 for a kind without any.
  fileprivate func means(
    of pairs: PairTable, _ function: @Sendable (_ value: Double, _ row: Int, Bool) -> Double
  ) -> (positive: Double, negative: Double) {
    func run<S: Scalar>(_: S.Type) -> (Double, Double) {
      let columns = pairs.columns
      let grain = 16
      // For each piece the totals of both kinds, then their counts.
      var pieces = [SIMD4<Double>](repeating: .zero, count: (pairs.rows + grain - 1) / grain)
      withElements(of: S.self) { values in
        pieces.withUnsafeMutableBufferPointer { pieces in
          Parallel.forEachRange(pairs.rows, grain: grain) { rows in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
              var sums = SIMD4<Double>.zero
              for i in rows {
                pairs.fill(kinds, row: i)
                for j in 0..<columns where kinds[j] != 0 {
                  let isPositive = kinds[j] > 0
                  let times = Double(abs(kinds[j]))
                  let value = function(Double(values[i * columns + j]), i, isPositive) * times
                  if isPositive {
                    sums += SIMD4(value, 0, times, 0)
                  } else {
                    sums += SIMD4(0, value, 0, times)
                  }
                }
              }
              pieces[rows.lowerBound / grain] = sums
            }
          }
        }
      }
      let sums = pieces.reduce(.zero, +)
      return (sums[0] / max(1, sums[2]), sums[1] / max(1, sums[3]))
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}
