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

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let pairs = input.pairs
    let matrix = Distance.cosine.matrix(input.embeddings, input.reference?.embeddings)
    // First the two means, then those of the hinges, through which the means have a gradient.
    let means = matrix.detached.sideMeans(of: pairs, hingedAt: nil)
    let factors = Sides(positive: 1 - positiveEpsilon, negative: 1 + negativeEpsilon)
    let bounds = Sides(
      positive: factors.positive * means.positive, negative: factors.negative * means.negative)
    let hinges = matrix.detached.sideMeans(of: pairs, hingedAt: bounds)
    let rows = VarianceRows(
      bounds: bounds,
      bases: Sides(
        positive: factors.positive * hinges.positive, negative: factors.negative * hinges.negative))
    return matrix.reduced(by: rows, pairs: pairs)
  }
}

/// The squares of max(0, bound - s) of positive pairs and max(0, s - bound) of negative ones.
private struct VarianceRows: RowFunction {
  let bounds: Sides<Double>
  /// What a term loses because it moves the mean.
  let bases: Sides<Double>

  static var reducesNegativesApart: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    guard let (values, kinds, derivatives) = row.start else { return }
    let terms = row.kernels.squaredHinges(
      derivatives, values, kinds: kinds, bounds: bounds.converted(), bases: bases.converted(),
      sign: -1, row.values.count)
    sums.terms.add(terms.positive)
    sums.negativeTerms.add(terms.negative)
  }
}

extension Sides<Double> {
  @inline(__always)
  fileprivate func converted<S: Scalar>() -> Sides<S> {
    Sides<S>(positive: S(positive), negative: S(negative))
  }
}

extension Tensor {
  /// The means of the positive and of the negative pairs, or of max(0, bound - s) and of
  /// max(0, s - bound); 0 for a side without pairs.
  fileprivate func sideMeans(of pairs: PairTable, hingedAt bounds: Sides<Double>?) -> Sides<Double>
  {
    dtype == .float32
      ? sideMeans(of: pairs, bounds, Float.self) : sideMeans(of: pairs, bounds, Double.self)
  }

  private func sideMeans<S: Scalar>(
    of pairs: PairTable, _ bounds: Sides<Double>?, _: S.Type
  ) -> Sides<Double> {
    let columns = pairs.columns
    let grain = 16
    let kernels = RowKernels<S>()
    var pieces = [LossSums](repeating: LossSums(), count: (pairs.rows + grain - 1) / grain)
    withElements(of: S.self) { values in
      pieces.withUnsafeMutableBufferPointer { pieces in
        Parallel.forEachRange(pairs.rows, grain: grain) { rows in
          var sums = LossSums()
          withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
            withUnsafeTemporaryAllocation(of: S.self, capacity: columns) { unused in
              guard let values = values.baseAddress, let start = kinds.baseAddress,
                let unused = unused.baseAddress
              else { return }
              for i in rows {
                pairs.fill(kinds, row: i)
                let row = values + i * columns
                let terms =
                  bounds.map {
                    kernels.hinges(
                      unused, row, kinds: start, bounds: $0.converted(), sign: -1, columns)
                  } ?? kernels.sideSums(row, kinds: start, columns)
                sums.terms.add(terms.positive)
                sums.negativeTerms.add(terms.negative)
              }
            }
          }
          pieces[rows.lowerBound / grain] = sums
        }
      }
    }
    var sums = LossSums()
    for piece in pieces { sums.add(piece) }
    return Sides(
      positive: sums.terms.total / Double(max(1, sums.terms.count)),
      negative: sums.negativeTerms.total / Double(max(1, sums.negativeTerms.count)))
  }
}
