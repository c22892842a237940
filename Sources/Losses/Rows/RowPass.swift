import Autodiff
import Geometry

/// A pass of a function over the rows of a matrix.
///
/// The derivative takes the place of the matrix where nobody else looks at it, so that a pass over
/// all pairs holds one number for each.
struct RowPass {
  private var matrix: Tensor
  private let origin: Origin
  private let loop: RowLoop

  private var pairs: PairTable { loop.pairs }

  /// - Parameter firstRow: which row of the pairs the matrix starts with.
  init(_ matrix: consuming Tensor, pairs: PairTable, weights: [Double]?, firstRow: Int = 0) {
    loop = RowLoop(pairs: pairs, weights: weights, firstRow: firstRow, shape: matrix.shape)
    (self.matrix, origin) = matrix.separated()
  }

  /// Terms reduced by sums over all rows.
  consuming func reduced<Function: RowFunction>(
    by function: Function, as reduction: Reduction
  ) -> LossOutput {
    var (pieces, derivative) = lastEvaluated(function, grain: 16)
    var sums = LossSums()
    for piece in pieces { sums.add(piece) }
    pieces = []
    let divisor = reduction.divisor(for: sums.terms)
    let negativeDivisor = reduction.divisor(for: sums.negativeTerms)
    var total = sums.terms.total / divisor
    if Function.reducesNegativesApart {
      total += sums.negativeTerms.total / negativeDivisor
      if negativeDivisor != divisor, origin.isRecorded {
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
    guard origin.isRecorded else { return output(total, derivative, divisor, sums) }
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
    let value = Tensor(total, dtype: derivative.dtype).recorded(
      "reduced", origin.scaledEdge { Cotangent(derivative, times: $0.product.item / divisor) })
    return LossOutput(value: value, active: sums.active)
  }

  /// The sums of each `grain` rows, and the derivative of their plain sum.
  func evaluated(
    _ function: some RowFunction, grain: Int, within bounds: TermBounds = TermBounds()
  ) -> (pieces: [LossSums], derivative: Tensor) {
    func run<S: Scalar>(_: S.Type) -> (pieces: [LossSums], derivative: Tensor) {
      var pieces: [LossSums] = []
      let derivative = matrix.withElements(of: S.self) { values in
        Tensor(shape: matrix.shape, of: S.self) { derivatives in
          guard let values = values.baseAddress, let derivatives = derivatives.baseAddress
          else { return }
          pieces = loop.evaluate(function, values, derivatives, grain, bounds)
        }
      }
      return (pieces, derivative)
    }
    return matrix.dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The same, if the matrix is not needed any more.
  private mutating func lastEvaluated(
    _ function: some RowFunction, grain: Int
  ) -> (pieces: [LossSums], derivative: Tensor) {
    guard matrix.isUnshared else { return evaluated(function, grain: grain) }
    let loop = loop
    func run<S: Scalar>(_: S.Type) -> [LossSums] {
      matrix.updateElements(of: S.self) { elements in
        guard let start = elements.baseAddress else { return [] }
        return loop.evaluate(function, start, start, grain, TermBounds())
      }
    }
    let pieces = matrix.dtype == .float32 ? run(Float.self) : run(Double.self)
    return (pieces, matrix)
  }
}

/// The calls of a function with one row after another.
private struct RowLoop {
  let pairs: PairTable
  let weights: [Double]?
  let firstRow: Int
  let shape: [Int]

  /// The sums of each `grain` rows; the derivatives may be written where the values are.
  func evaluate<S: Scalar>(
    _ function: some RowFunction, _ values: UnsafePointer<S>,
    _ derivatives: UnsafeMutablePointer<S>, _ grain: Int, _ bounds: TermBounds
  ) -> [LossSums] {
    let (rows, columns) = (shape[0], shape[1])
    let isInPlace = values == UnsafePointer(derivatives)
    let kernels = RowKernels<S>()
    var pieces = [LossSums](repeating: LossSums(), count: (rows + grain - 1) / grain)
    pieces.withUnsafeMutableBufferPointer { pieces in
      Parallel.forEachRange(rows, grain: grain) { range in
        var sums = LossSums(within: bounds)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
          withUnsafeTemporaryAllocation(of: S.self, capacity: columns) { copy in
            for i in range {
              var row = UnsafeBufferPointer(start: values + i * columns, count: columns)
              if isInPlace {
                _ = copy.update(fromContentsOf: row)
                row = UnsafeBufferPointer(copy)
              }
              pairs.fill(kinds, row: firstRow + i)
              let target = UnsafeMutableBufferPointer(
                start: derivatives + i * columns, count: columns)
              target.update(repeating: 0)
              let pass = LossRow(
                index: firstRow + i, values: row, kinds: UnsafeBufferPointer(kinds),
                derivatives: target, weight: S(weights?[firstRow + i] ?? 1), kernels: kernels)
              function.evaluate(pass, into: &sums)
            }
          }
        }
        pieces[range.lowerBound / grain] = sums
      }
    }
    return pieces
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
