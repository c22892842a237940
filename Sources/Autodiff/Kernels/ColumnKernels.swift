import CKernels

// Kernels over the rows of a matrix [rows, columns] with numbers for each column.

/// Sums over fixed pieces of `count` items, added up in the order of the pieces.
///
/// - Parameters:
///   - grain: items of a piece.
///   - width: how many sums there are.
///   - add: adds the items of a range to sums that start at 0.
///   - finish: receives the sums.
func withSums(
  over count: Int, grain: Int, width: Int, add: (Range<Int>, UnsafeMutablePointer<Double>) -> Void,
  finish: (UnsafePointer<Double>) -> Void
) {
  let grain = max(1, grain)
  let pieces = max(1, (count + grain - 1) / grain)
  Scratch<Double>(count: pieces * width).withBase { sums in
    sums.update(repeating: 0, count: pieces * width)
    Parallel.forEachRange(count, grain: grain) { add($0, sums + $0.lowerBound / grain * width) }
    for e in width..<max(width, pieces * width) { sums[e % width] += sums[e] }
    finish(sums)
  }
}

/// Rows of a piece of work: about 64 Ki elements.
private func rowGrain(_ columns: Int) -> Int { max(64, 65_536 / max(1, columns)) }

extension Scalar {
  static func sumOverRows(
    _ y: UnsafeMutableBufferPointer<Self>, _ x: UnsafeBufferPointer<Self>, rows: Int, columns: Int
  ) {
    guard let x = x.baseAddress else { return y.update(repeating: 0) }
    let kernels = kernels
    withSums(over: rows, grain: rowGrain(columns), width: columns) { range, sums in
      kernels.column_sums(sums, x + range.lowerBound * columns, range.count, columns)
    } finish: { sums in
      for c in 0..<columns { y[c] = Self(sums[c]) }
    }
  }

  /// The moments of fixed pieces, about each piece's first row, combined in order.
  ///
  /// Source: Chan, Golub and LeVeque, 1983.
  static func moments(
    _ mean: UnsafeMutableBufferPointer<Self>, _ variance: UnsafeMutableBufferPointer<Self>,
    _ tensor: Tensor, rows: Int, columns: Int
  ) {
    let x: UnsafePointer<Self> = tensor.base()
    let kernels = kernels
    let grain = rowGrain(columns)
    let pieces = (rows + grain - 1) / grain
    Scratch<Double>(count: pieces * 2 * columns).withBase { sums in
      sums.update(repeating: 0, count: pieces * 2 * columns)
      Parallel.forEachRange(rows, grain: grain) { range in
        let sum = sums + range.lowerBound / grain * 2 * columns
        let first = x + range.lowerBound * columns
        kernels.column_moments(sum, sum + columns, first, first, range.count, columns)
      }
      for c in 0..<columns {
        var (average, squares, total) = (0.0, 0.0, 0.0)
        for piece in 0..<pieces {
          let count = Double(min(grain, rows - piece * grain))
          let sum = sums[piece * 2 * columns + c]
          let distance = Double(x[piece * grain * columns + c]) + sum / count - average
          squares += sums[(piece * 2 + 1) * columns + c] - sum * (sum / count)
          squares += distance * distance * (total * count / (total + count))
          total += count
          average += distance * (count / total)
        }
        mean[c] = Self(average)
        variance[c] = Self(max(0, squares) / max(1, total))
      }
    }
    withExtendedLifetime(tensor) {}
  }

  static func cotangentSums(
    _ sum: UnsafeMutableBufferPointer<Self>, _ product: UnsafeMutableBufferPointer<Self>,
    _ g: Tensor, _ x: Tensor, _ mean: Tensor, rows: Int, columns: Int
  ) {
    let kernels = kernels
    let (cotangent, input): (UnsafePointer<Self>, UnsafePointer<Self>) = (g.base(), x.base())
    let middle: UnsafePointer<Self> = mean.base()
    withSums(over: rows, grain: rowGrain(columns), width: 2 * columns) { range, sums in
      let first = range.lowerBound * columns
      kernels.column_products(
        sums, sums + columns, cotangent + first, input + first, middle, range.count, columns)
    } finish: { sums in
      for c in 0..<columns { (sum[c], product[c]) = (Self(sums[c]), Self(sums[columns + c])) }
    }
    withExtendedLifetime((g, x, mean)) {}
  }

  static func scaleAndShift(
    _ y: UnsafeMutableBufferPointer<Self>, _ x: Tensor, _ factor: Tensor, _ offset: Tensor,
    rows: Int, columns: Int
  ) {
    combination(y, nil, x, factor, offset, rows: rows, columns: columns)
  }

  static func combination(
    _ y: UnsafeMutableBufferPointer<Self>, _ g: Tensor, _ a: Tensor, _ x: Tensor, _ b: Tensor,
    _ c: Tensor, rows: Int, columns: Int
  ) {
    combination(y, (g, a), x, b, c, rows: rows, columns: columns)
  }

  /// y = g a + x b + c, where g a is left out if there is none.
  private static func combination(
    _ y: UnsafeMutableBufferPointer<Self>, _ term: (g: Tensor, a: Tensor)?, _ x: Tensor,
    _ b: Tensor, _ c: Tensor, rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress else { return }
    let kernels = kernels
    let (input, slope): (UnsafePointer<Self>, UnsafePointer<Self>) = (x.base(), b.base())
    let offset: UnsafePointer<Self> = c.base()
    let g: UnsafePointer<Self>? = term?.g.base()
    let a: UnsafePointer<Self>? = term?.a.base()
    Parallel.forEachRange(rows, grain: rowGrain(columns)) { range in
      let first = range.lowerBound * columns
      kernels.combine_columns(
        y + first, g.map { UnsafeRawPointer($0 + first) }, a, input + first, slope, offset,
        range.count, columns)
    }
    withExtendedLifetime((term, x, b, c)) {}
  }
}
