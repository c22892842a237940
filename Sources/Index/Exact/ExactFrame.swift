import Autodiff

/// What float32 products of an exact search are made of: rows less their mean and at a scale where
/// nothing overflows, with the lengths that bound how wrong such a product may be.
///
/// A row x becomes s (f x − c). The centre c takes away what all rows have in common, which tells
/// nothing about who is nearest and would take the digits of what does; it is left out where it is
/// small beside the rows. The factor f is 1/‖x‖ for cosines, else 1; s is a power of two.
struct ExactFrame: Sendable {
  /// Nil if nothing is taken away.
  let center: [Double]?
  let scale: Double
  /// 1/‖x‖ of each row, 0 for rows of zeros; nil if rows are compared as they are.
  let factors: [Double]?
  /// Half the squared length of each row, for distances; else empty.
  let halves: [Float]
  /// The length of the longest row of each block of ``blockRows``.
  let blockLengths: [Double]
  /// The length of the longest row f x, and of the centre.
  let rawLength, centerLength: Double

  /// Rows whose products with a strip of queries stay in the cache.
  static let blockRows = 1024

  /// Whether rows of this type serve as they are.
  func isPlain<S: Scalar>(_: S.Type) -> Bool {
    S.dtype == .float32 && center == nil && scale == 1 && factors == nil
  }

  init<S: Scalar>(
    _ base: UnsafeBufferPointer<S>, columns: Int, metric: ExactIndex.Metric, isCosine: Bool
  ) {
    let count = base.count / columns
    func row(_ i: Int) -> UnsafeBufferPointer<S> {
      UnsafeBufferPointer(rebasing: base[i * columns..<(i + 1) * columns])
    }
    let factors =
      isCosine ? ExactFrame.numbers(count) { ExactFrame.factor(of: row($0)) } : nil
    // Sums of the columns of each block, then of the blocks, in one order for any number of threads.
    let blocks = (count + ExactFrame.blockRows - 1) / ExactFrame.blockRows
    var sums = [Double](repeating: 0, count: blocks * columns)
    var squares = [Double](repeating: 0, count: count)
    sums.withUnsafeMutableBufferPointer { sums in
      squares.withUnsafeMutableBufferPointer { squares in
        nonisolated(unsafe) let sums = sums
        nonisolated(unsafe) let squares = squares
        Parallel.forEachRange(count, grain: ExactFrame.blockRows) { rows in
          let sum = UnsafeMutableBufferPointer(
            rebasing: sums[rows.lowerBound / ExactFrame.blockRows * columns..<sums.count])
          for i in rows {
            let (x, factor) = (row(i), factors?[i] ?? 1)
            var square = 0.0
            for j in 0..<columns {
              let number = Double(x[j]) * factor
              sum[j] += number
              square += number * number
            }
            squares[i] = square
          }
        }
      }
    }
    var mean = [Double](repeating: 0, count: columns)
    for block in 0..<blocks {
      for j in 0..<columns { mean[j] += sums[block * columns + j] / Double(count) }
    }
    let meanSquare = mean.reduce(0) { $0 + $1 * $1 }
    let isCentered = meanSquare * Double(count) > 0.75 * squares.reduce(0, +)
    rawLength = (squares.max() ?? 0).squareRoot()
    centerLength = isCentered ? meanSquare.squareRoot() : 0
    if isCentered {
      squares = ExactFrame.numbers(count) { i in
        let (x, factor) = (row(i), factors?[i] ?? 1)
        var square = 0.0
        for j in 0..<columns {
          let number = Double(x[j]) * factor - mean[j]
          square += number * number
        }
        return square
      }
    }
    let longest = (squares.max() ?? 0).squareRoot()
    // From 2⁻²⁰ to 2⁴⁰ products neither overflow nor lose small numbers; else the longest is at 2³⁰.
    let isFine = longest == 0 || (0x1p-20...0x1p40).contains(longest)
    let exponent = isFine ? 0 : min(1000, 30 - longest.exponent)
    let scale = Double(sign: .plus, exponent: exponent, significand: 1)
    (self.scale, self.factors, center) = (scale, factors, isCentered ? mean : nil)
    halves = metric == .innerProduct ? [] : squares.map { Float($0 * scale * scale / 2) }
    blockLengths = (0..<blocks).map { block in
      let rows = block * ExactFrame.blockRows..<min(count, (block + 1) * ExactFrame.blockRows)
      return (squares[rows].max() ?? 0).squareRoot() * scale
    }
  }

  /// 1/‖x‖, or 0 for zeros.
  static func factor<S: Scalar>(of x: UnsafeBufferPointer<S>) -> Double {
    var square = 0.0
    for number in x { square += Double(number) * Double(number) }
    return square > 0 ? 1 / square.squareRoot() : 0
  }

  private static func numbers(_ count: Int, _ number: (Int) -> Double) -> [Double] {
    [Double](unsafeUninitializedCapacity: count) { numbers, filled in
      nonisolated(unsafe) let memory = numbers
      Parallel.forEachRange(count, grain: blockRows) { rows in
        for i in rows { memory[i] = number(i) }
      }
      filled = count
    }
  }

  /// Writes some rows as the frame sees them.
  func write<S: Scalar>(
    _ rows: Range<Int>, of base: UnsafePointer<S>, columns: Int, to y: UnsafeMutablePointer<Float>
  ) {
    Parallel.forEachRange(rows.count, grain: 128) { part in
      for i in part {
        let row = rows.lowerBound + i
        let (x, y, factor) = (base + row * columns, y + i * columns, factors?[row] ?? 1)
        if let center {
          for j in 0..<columns { y[j] = Float((Double(x[j]) * factor - center[j]) * scale) }
        } else {
          let factor = factor * scale
          for j in 0..<columns { y[j] = Float(Double(x[j]) * factor) }
        }
      }
    }
  }
}
