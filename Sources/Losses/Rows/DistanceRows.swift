import Autodiff
import Geometry

/// The distances of a batch that are to be reduced: all at once, or a few rows at a time.
struct DistanceRows {
  let distance: Distance
  /// What is compared, and with what; nil for itself.
  let embeddings: Tensor
  let reference: Tensor?
  /// How many rows are looked at at a time; nil for all.
  let chunk: Int?

  /// The reduced sum of a function over the rows; see ``Autodiff/Tensor/reduced(by:pairs:weights:)``.
  ///
  /// In chunks the gradient in the embeddings is found with the value, chunk by chunk, and waits for
  /// the divisor, so that no matrix has more rows than a chunk. The result is the same but for
  /// rounding, and does not depend on the number of threads. Reducers that choose or weight terms
  /// look at all rows.
  /// - Complexity: O(chunk × columns + (rows + columns) × dimension) memory.
  func reduced(
    by function: some RowFunction, pairs: PairTable, weights: [Double]? = nil,
    reducer: RowReducer? = nil
  ) -> LossOutput {
    let plain = reducer.plain(for: function)
    guard let chunk, chunk < pairs.rows, let plain else {
      return distance.matrix(embeddings, reference)
        .reduced(by: function, pairs: pairs, weights: weights, reducer: reducer)
    }
    return inChunks(of: chunk, function, pairs, weights, as: plain)
  }

  private func inChunks<Function: RowFunction>(
    of chunk: Int, _ function: Function, _ pairs: PairTable, _ weights: [Double]?,
    as reduction: Reduction
  ) -> LossOutput {
    let rows = embeddings.detached
    let columns = reference?.detached ?? rows
    let isRecorded = embeddings.isRecorded || reference?.isRecorded ?? false
    var sums = LossSums()
    // The gradients of the plain sums of both kinds, or of one kind each if they are reduced apart.
    var sides = [ChunkGradients](
      repeating: ChunkGradients(columns: columns),
      count: isRecorded ? (Function.reducesNegativesApart ? 2 : 1) : 0)
    for start in stride(from: 0, to: pairs.rows, by: chunk) {
      let block = rows.rows(at: Array(start..<min(start + chunk, pairs.rows)))
      let matrix = distance.matrix(block, columns)
      let (pieces, derivative) = RowPass(
        matrix, pairs: pairs, weights: weights, firstRow: start
      ).evaluated(function, grain: 16)
      for piece in pieces { sums.add(piece) }
      for side in sides.indices {
        var cotangent = derivative
        if sides.count == 2 {
          let kept = Sides<Double>(positive: side == 0 ? 1 : 0, negative: side == 0 ? 0 : 1)
          cotangent.scaleRows(
            by: Array(repeating: kept, count: block.shape[0]), of: pairs, firstRow: start)
        }
        let (_, gradient) = valueWithGradient(at: [block, columns]) { point in
          (distance.matrix(point[0], point[1]) * cotangent).sum()
        }
        sides[side].add(rows: gradient[0], columns: gradient[1])
      }
    }
    let divisors = [reduction.divisor(for: sums.terms), reduction.divisor(for: sums.negativeTerms)]
    var total = sums.terms.total / divisors[0]
    if Function.reducesNegativesApart { total += sums.negativeTerms.total / divisors[1] }
    let value = Tensor(total, dtype: rows.dtype)
    guard isRecorded else { return LossOutput(value: value, active: sums.active) }
    let gradients = sides.enumerated().map { k, side in side.divided(by: divisors[k]) }
    let ofRows = gradients.dropFirst().reduce(gradients[0].rows) { $0 + $1.rows }
    let ofColumns = gradients.dropFirst().reduce(gradients[0].columns) { $0 + $1.columns }
    let isOwn = reference == nil
    return LossOutput(
      value: value.recorded(
        "reducedInChunks",
        embeddings.edge { (isOwn ? ofRows + ofColumns : ofRows).scaled(by: $0.item) },
        reference?.edge { ofColumns.scaled(by: $0.item) }),
      active: sums.active)
  }
}

/// The gradients of a sum over rows, as they come chunk by chunk.
private struct ChunkGradients {
  private var rows: [Tensor] = []
  private var columns: Tensor

  init(columns: Tensor) { self.columns = Tensor(zeros: columns.shape, dtype: columns.dtype) }

  mutating func add(rows: Tensor, columns: Tensor) {
    self.rows.append(rows)
    self.columns = self.columns + columns
  }

  func divided(by divisor: Double) -> (rows: Tensor, columns: Tensor) {
    (Tensor.concatenated(rows).scaled(by: 1 / divisor), columns.scaled(by: 1 / divisor))
  }
}

extension LossInput {
  /// The distances of every row from every column.
  func distances(_ distance: Distance) -> DistanceRows {
    DistanceRows(
      distance: distance, embeddings: embeddings, reference: reference?.embeddings, chunk: chunk)
  }
}
