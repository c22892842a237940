import Autodiff
import Miners

/// One row of a matrix of distances: an anchor (or a proxy) and everything it is compared with.
public struct LossRow<S: Scalar> {
  public let index: Int
  /// The distances or similarities.
  public let values: UnsafeBufferPointer<S>
  /// What each pair is: above 0 positive, below 0 negative, 0 to be ignored; the size is how often
  /// the pair occurs.
  public let kinds: UnsafeBufferPointer<Int32>
  /// The derivative of the row's terms in each value, to be written; zeros at first.
  public let derivatives: UnsafeMutableBufferPointer<S>
  /// What the row's terms are to be multiplied with, for losses with a term for each row.
  public let weight: S
  /// Loops over the row.
  let kernels: RowKernels<S>

  @inline(__always) public var indices: Range<Int> { 0..<values.count }
}

/// A function of a matrix that is a sum over its rows, found with its derivative in one pass.
///
/// Write what one row adds. The memory, the threads, the reduction and the way back are here:
/// see ``Autodiff/Tensor/reduced(by:pairs:weights:)``. For speed, a conforming type marks
/// ``evaluate(_:into:)`` with `@specialized` for both scalar types.
public protocol RowFunction: Sendable {
  /// How the terms of all rows become one number.
  var reduction: Reduction { get }
  /// Whether negative pairs have terms of their own, reduced by themselves and then added.
  static var reducesNegativesApart: Bool { get }
  /// Adds the row's terms to the sums and writes the derivative of their plain sum.
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums)
}

extension RowFunction {
  public var reduction: Reduction { .mean }
  public static var reducesNegativesApart: Bool { false }
}

extension Tensor {
  /// The reduced sum of `function` over the rows of this matrix.
  ///
  /// - Parameters:
  ///   - pairs: what each element is; of this matrix's shape.
  ///   - weights: a factor for each row; nil for 1.
  /// - Complexity: O(elements); one matrix of memory, which is the derivative.
  public func reduced(
    by function: some RowFunction, pairs: PairTable, weights: [Double]? = nil
  ) -> LossOutput {
    precondition(
      shape == [pairs.rows, pairs.columns],
      "reduced: shape \(shape) does not fit \(pairs.rows) × \(pairs.columns) pairs")
    var (pieces, derivative) = evaluated(by: function, pairs: pairs, weights: weights)
    var sums = LossSums()
    for piece in pieces { sums.add(piece) }
    pieces = []
    return finish(function, sums, &derivative, pairs)
  }

  /// The sums of a function over every few rows, and the derivative of their plain sum.
  ///
  /// - Parameter firstRow: which row of the pairs this matrix starts with.
  func evaluated(
    by function: some RowFunction, pairs: PairTable, weights: [Double]?, firstRow: Int = 0
  ) -> (pieces: [LossSums], derivative: Tensor) {
    dtype == .float32
      ? evaluated(function, pairs, weights, firstRow, Float.self)
      : evaluated(function, pairs, weights, firstRow, Double.self)
  }

  private func evaluated<S: Scalar>(
    _ function: some RowFunction, _ pairs: PairTable, _ weights: [Double]?, _ firstRow: Int,
    _: S.Type
  ) -> (pieces: [LossSums], derivative: Tensor) {
    let (rows, columns) = (shape[0], shape[1])
    let grain = 16
    let kernels = RowKernels<S>()
    var pieces = [LossSums](repeating: LossSums(), count: (rows + grain - 1) / grain)
    let derivative = withElements(of: S.self) { values in
      pieces.withUnsafeMutableBufferPointer { pieces in
        Tensor(shape: [rows, columns], of: S.self) { derivatives in
          Parallel.forEachRange(rows, grain: grain) { range in
            var sums = LossSums()
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
              for i in range {
                let place = i * columns..<(i + 1) * columns
                pairs.fill(kinds, row: firstRow + i)
                let row = LossRow(
                  index: firstRow + i, values: UnsafeBufferPointer(rebasing: values[place]),
                  kinds: UnsafeBufferPointer(kinds),
                  derivatives: UnsafeMutableBufferPointer(rebasing: derivatives[place]),
                  weight: S(weights?[firstRow + i] ?? 1), kernels: kernels)
                row.derivatives.update(repeating: 0)
                function.evaluate(row, into: &sums)
              }
            }
            pieces[range.lowerBound / grain] = sums
          }
        }
      }
    }
    return (pieces, derivative)
  }

  /// Divides the sums, and records the result.
  private func finish<Function: RowFunction>(
    _ function: Function, _ sums: LossSums, _ derivative: inout Tensor, _ pairs: PairTable
  ) -> LossOutput {
    let divisor = function.reduction.divisor(for: sums.terms)
    let negativeDivisor = function.reduction.divisor(for: sums.negativeTerms)
    var total = sums.terms.total / divisor
    if Function.reducesNegativesApart {
      total += sums.negativeTerms.total / negativeDivisor
      if negativeDivisor != divisor, isRecorded {
        derivative.scaleSides(of: pairs, positive: 1, negative: divisor / negativeDivisor)
      }
    }
    let value = Tensor(total, dtype: dtype).recorded(
      "reduced", edge { [derivative] in derivative.scaled(by: $0.item / divisor) })
    return LossOutput(value: value, active: sums.active)
  }

  /// Multiplies the pairs of each kind by their factor; others become 0.
  mutating func scaleSides(
    of pairs: PairTable, firstRow: Int = 0, positive: Double, negative: Double
  ) {
    let factors = Sides(positive: positive, negative: negative)
    switch dtype {
    case .float32: scaleSides(of: pairs, firstRow, by: factors, Float.self)
    case .float64: scaleSides(of: pairs, firstRow, by: factors, Double.self)
    }
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private mutating func scaleSides<S: Scalar>(
    of pairs: PairTable, _ firstRow: Int, by factors: Sides<Double>, _: S.Type
  ) {
    let (rows, columns) = (shape[0], shape[1])
    let kernels = RowKernels<S>()
    let factors = Sides(positive: S(factors.positive), negative: S(factors.negative))
    updateElements(of: S.self) { x in
      guard let x = x.baseAddress else { return }
      Parallel.forEachRange(rows, grain: 16) { range in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
          guard let start = kinds.baseAddress else { return }
          for i in range {
            pairs.fill(kinds, row: firstRow + i)
            kernels.scaleSides(
              x + i * columns, x + i * columns, kinds: start, factors: factors, columns)
          }
        }
      }
    }
  }
}
