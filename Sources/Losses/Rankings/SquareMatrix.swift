import Autodiff

/// A square matrix whose rows are found one by one, by several threads.
struct SquareMatrix {
  let count: Int
  private(set) var values: [Double]

  init(_ count: Int) {
    self.count = count
    values = Array(repeating: 0, count: count * count)
  }

  /// Calls `body` with each row and its place.
  mutating func withRows(
    grain: Int, _ body: (Int, UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    let count = count
    values.withUnsafeMutableBufferPointer { values in
      Parallel.forEachRange(count, grain: grain) { rows in
        for i in rows { body(i, .init(rebasing: values[i * count..<(i + 1) * count])) }
      }
    }
  }

  func withRow<Result>(_ row: Int, _ body: (UnsafeBufferPointer<Double>) -> Result) -> Result {
    values.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[row * count..<(row + 1) * count]))
    }
  }

  /// The product of a row with the same row of another matrix.
  func product(ofRow row: Int, with other: SquareMatrix) -> Double {
    withRow(row) { own in
      other.withRow(row) { other in
        own.indices.reduce(0.0) { $0 + own[$1] * other[$1] }
      }
    }
  }

  /// The sum of this and its transpose.
  func addingTransposed() -> SquareMatrix {
    var sum = SquareMatrix(count)
    let (kernels, count) = (RowKernels<Double>(), count)
    values.withUnsafeBufferPointer { values in
      sum.values.withUnsafeMutableBufferPointer { sum in
        guard let source = values.baseAddress, let target = sum.baseAddress else { return }
        Parallel.forEachRange(count, grain: 64) { rows in
          kernels.addTransposed(target, source, count, rows: rows)
        }
      }
    }
    return sum
  }
}

extension UnsafeBufferPointer<Double> {
  /// The least elements, in order.
  func least(_ count: Int) -> [Double] {
    guard count <= 32 else { return Array(sorted().prefix(count)) }
    var least: [Double] = []
    for value in self where least.count < count || value < least[count - 1] {
      if least.count == count { least.removeLast() }
      let place = least.firstIndex { value < $0 } ?? least.count
      least.insert(value, at: place)
    }
    return least
  }
}
