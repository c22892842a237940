import Autodiff
import Miners

/// A pass of a function over the rows of a matrix.
struct RowPass {
  let matrix: Tensor
  let pairs: PairTable
  let weights: [Double]?
  /// Which row of the pairs the matrix starts with.
  var firstRow = 0

  /// Terms reduced by sums over all rows.
  func reduced<Function: RowFunction>(
    by function: Function, as reduction: Reduction
  ) -> LossOutput {
    var (pieces, derivative) = evaluated(function, grain: 16)
    var sums = LossSums()
    for piece in pieces { sums.add(piece) }
    pieces = []
    let divisor = reduction.divisor(for: sums.terms)
    let negativeDivisor = reduction.divisor(for: sums.negativeTerms)
    var total = sums.terms.total / divisor
    if Function.reducesNegativesApart {
      total += sums.negativeTerms.total / negativeDivisor
      if negativeDivisor != divisor, matrix.isRecorded {
        derivative.scaleNegatives(of: pairs, by: divisor / negativeDivisor)
      }
    }
    return output(total, derivative, divisor, sums)
  }

  /// Terms chosen and weighted row by row.
  func reduced<Function: RowFunction>(by function: Function, _ way: RowReducer) -> LossOutput {
    let reducer = way.reducer
    precondition(
      way.classes.count == pairs.rows,
      "reduced: \(way.classes.count) classes do not fit \(pairs.rows) rows")
    let isApart = Function.reducesNegativesApart
    var choice = TermChoice(bounds: reducer.bounds)
    let chosen = function.choosing(choice)
    var (rows, derivative) = evaluated(chosen ?? function, grain: 1, within: reducer.bounds)
    let (terms, negatives) = (rows.map(\.terms), rows.map(\.negativeTerms))
    choice.factors = reducer.factors(of: terms, classes: way.classes)
    choice.negativeFactors =
      isApart ? reducer.factors(of: negatives, classes: way.classes) : choice.factors
    let counted = { (rows: [TermSum]) in
      let rows = Array(rows.prefix(way.anchors ?? rows.count))
      return Function.hasTermPerRow ? rows.filter { $0.allCount > 0 } : rows
    }
    let divisor = reducer.divisor(of: counted(terms))
    let negativeDivisor = isApart ? reducer.divisor(of: counted(negatives)) : divisor
    var (total, sums) = (0.0, LossSums())
    for (i, row) in rows.enumerated() {
      total += row.terms.total * (choice.factors?[i] ?? 1) / divisor
      total += row.negativeTerms.total * (choice.negativeFactors?[i] ?? 1) / negativeDivisor
      sums.add(row)
    }
    guard matrix.isRecorded else { return output(total, derivative, divisor, sums) }
    if chosen == nil {
      // A row of one term that does not count has written its derivative all the same.
      let scale = divisor / negativeDivisor
      derivative.scaleRows(
        by: rows.indices.map { i in
          let factor = terms[i].isRefused ? 0 : choice.factors?[i] ?? 1
          let negative = negatives[i].isRefused ? 0 : (choice.negativeFactors?[i] ?? 1) * scale
          return Sides(positive: factor, negative: isApart ? negative : factor)
        }, of: isApart ? pairs : nil)
    } else {
      if choice.factors != nil, let weighted = function.choosing(choice) {
        derivative = evaluated(weighted, grain: 1, within: reducer.bounds).derivative
      }
      if negativeDivisor != divisor {
        derivative.scaleNegatives(of: pairs, by: divisor / negativeDivisor)
      }
    }
    return output(total, derivative, divisor, sums)
  }

  /// Records the value, whose derivative is still to be divided.
  private func output(
    _ total: Double, _ derivative: Tensor, _ divisor: Double, _ sums: LossSums
  ) -> LossOutput {
    let value = Tensor(total, dtype: matrix.dtype).recorded(
      "reduced",
      matrix.scaledEdge { Cotangent(derivative, times: $0.product.item / divisor) })
    return LossOutput(value: value, active: sums.active)
  }

  func evaluated(
    _ function: some RowFunction, grain: Int, within bounds: TermBounds = TermBounds()
  ) -> (pieces: [LossSums], derivative: Tensor) {
    matrix.dtype == .float32
      ? evaluated(function, grain, bounds, Float.self)
      : evaluated(function, grain, bounds, Double.self)
  }

  /// The sums of each `grain` rows, and the derivative of their plain sum.
  private func evaluated<S: Scalar>(
    _ function: some RowFunction, _ grain: Int, _ bounds: TermBounds, _: S.Type
  ) -> (pieces: [LossSums], derivative: Tensor) {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let kernels = RowKernels<S>()
    var pieces = [LossSums](repeating: LossSums(), count: (rows + grain - 1) / grain)
    let derivative = matrix.withElements(of: S.self) { values in
      pieces.withUnsafeMutableBufferPointer { pieces in
        Tensor(shape: [rows, columns], of: S.self) { derivatives in
          Parallel.forEachRange(rows, grain: grain) { range in
            var sums = LossSums(within: bounds)
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
}

extension TermSum {
  /// Whether there are terms and none of them counts.
  fileprivate var isRefused: Bool { count == 0 && refusedCount > 0 }
}

extension Tensor {
  fileprivate mutating func scaleNegatives(of pairs: PairTable, by factor: Double) {
    scaleRows(
      by: Array(repeating: Sides(positive: 1, negative: factor), count: pairs.rows), of: pairs)
  }

  /// Multiplies each row by its factor, or the pairs of each kind by theirs.
  mutating func scaleRows(
    by factors: [Sides<Double>], of pairs: PairTable?, firstRow: Int = 0
  ) {
    switch dtype {
    case .float32: scaleRows(by: factors, of: pairs, firstRow, Float.self)
    case .float64: scaleRows(by: factors, of: pairs, firstRow, Double.self)
    }
  }

  @specialized(where S == Float)
  @specialized(where S == Double)
  private mutating func scaleRows<S: Scalar>(
    by factors: [Sides<Double>], of pairs: PairTable?, _ firstRow: Int, _: S.Type
  ) {
    let columns = shape[1]
    let kernels = RowKernels<S>()
    updateElements(of: S.self) { x in
      guard let x = x.baseAddress else { return }
      Parallel.forEachRange(factors.count, grain: 16) { range in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
          guard let start = kinds.baseAddress else { return }
          for i in range {
            let (row, positive) = (x + i * columns, S(factors[i].positive))
            if let pairs {
              pairs.fill(kinds, row: firstRow + i)
              kernels.scaleSides(
                row, row, kinds: start,
                factors: Sides(positive: positive, negative: S(factors[i].negative)), columns)
            } else if positive != 1 {
              for j in 0..<columns { row[j] *= positive }
            }
          }
        }
      }
    }
  }
}
