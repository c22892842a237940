import Autodiff
import Geometry

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
  /// Whether a row has one term, or none if it has no part in the loss; else rows have pairs or
  /// triplets as terms, and one without any is an anchor that costs nothing.
  static var hasTermPerRow: Bool { get }
  /// Adds the row's terms to the sums and writes the derivative of their plain sum.
  ///
  /// Of several terms, those that ``TermSum/add(_:times:)`` refuses have no derivative.
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums)
  /// This function with derivatives of the chosen terms only, each times its factor; nil where the
  /// derivatives that a row holds are those of its own terms, for which others see to that.
  func choosing(_ choice: TermChoice) -> Self?
}

extension RowFunction {
  public var reduction: Reduction { .mean }
  public static var reducesNegativesApart: Bool { false }
  public static var hasTermPerRow: Bool { false }
  public func choosing(_ choice: TermChoice) -> Self? { nil }
}

extension Tensor {
  /// The reduced sum of `function` over the rows of this matrix.
  ///
  /// - Parameters:
  ///   - pairs: what each element is; of this matrix's shape.
  ///   - weights: a factor for each row; nil for 1.
  ///   - reducer: how the terms become one number; nil for the function's own way.
  /// - Complexity: O(elements); one matrix of memory, which is the derivative, or none where nobody else
  ///   holds this one.
  public consuming func reduced(
    by function: some RowFunction, pairs: PairTable, weights: [Double]? = nil,
    reducer: RowReducer? = nil
  ) -> LossOutput {
    precondition(
      shape == [pairs.rows, pairs.columns],
      "reduced: shape \(shape) does not fit \(pairs.rows) × \(pairs.columns) pairs")
    let pass = RowPass(self, pairs: pairs, weights: weights)
    guard let reducer else { return pass.reduced(by: function, as: function.reduction) }
    if let plain = reducer.plain(for: function) { return pass.reduced(by: function, as: plain) }
    return pass.reduced(by: function, reducer)
  }
}
