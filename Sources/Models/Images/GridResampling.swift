import Autodiff

/// Resampling of a square grid of positions to another grid, bicubic.
///
/// As `torch.nn.functional.interpolate` with `align_corners=False`: with antialiasing the kernel has
/// a = −0.5, grows with the scale and its weights add to 1; without it has a = −0.75, four taps, and
/// the edge counts for what lies beyond.
struct GridResampling {
  let side, rows, columns: Int
  /// Rows of the table in front of the grid, which stay.
  let kept: Int
  let isAntialiased: Bool

  /// A table [kept + side², width] for the new grid: [kept + rows · columns, width].
  func callAsFunction(_ table: Tensor) -> Tensor {
    let (down, across) = (weights(to: rows), weights(to: columns))
    var indices = Array(0..<kept)
    var (factors, lengths) = (
      [Double](repeating: 1, count: kept), [Int](repeating: 1, count: kept)
    )
    for row in down {
      for column in across {
        for (i, a) in row {
          for (j, b) in column {
            indices.append(kept + i * side + j)
            factors.append(a * b)
          }
        }
        lengths.append(row.count * column.count)
      }
    }
    return table.weightedRowSums(at: indices, weights: factors, lengths: lengths)
  }

  /// The weights of the old places for each of `count` new ones.
  private func weights(to count: Int) -> [[(place: Int, weight: Double)]] {
    let scale = Double(side) / Double(count)
    return (0..<count).map { i in
      guard isAntialiased else {
        let centre = (Double(i) + 0.5) * scale - 0.5
        let first = Int(centre.rounded(.down)) - 1
        return (first..<first + 4).map {
          (min(max($0, 0), side - 1), cubic(centre - Double($0), a: -0.75))
        }
      }
      let spread = max(scale, 1)
      let centre = (Double(i) + 0.5) * scale
      let from = max(Int(centre - 2 * spread + 0.5), 0)
      let to = min(Int(centre + 2 * spread + 0.5), side)
      let taps = (from..<max(from, to)).map {
        ($0, cubic((Double($0) - centre + 0.5) / spread, a: -0.5))
      }
      let sum = taps.reduce(0) { $0 + $1.1 }
      return taps.map { ($0.0, $0.1 / sum) }
    }
  }

  private func cubic(_ x: Double, a: Double) -> Double {
    let x = abs(x)
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }
}
