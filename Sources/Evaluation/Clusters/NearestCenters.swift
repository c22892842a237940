import Autodiff

/// Finds the nearest of some centres for each row, as sums in float64 would.
///
/// A centre c is near x where x·c − ½‖c‖² is large, which is one product for all. Far from the origin
/// that is a small difference of large numbers, so rows and centres are taken from the mean of all rows
/// first; and where the rounding of the products may hide which centre is nearest, the distances of
/// those that come into question are summed in float64.
struct NearestCenters<S: Scalar> {
  private let rows: LabeledRows<S>
  private let mean: [S]
  /// The rows less the mean, and how long they are.
  private let shifted: [S]
  private let lengths: [Double]

  init(_ rows: LabeledRows<S>) {
    let d = rows.dimension
    var sums = Array(repeating: 0.0, count: d)
    for row in 0..<rows.count {
      for i in 0..<d { sums[i] += Double(rows.rows[row * d + i]) }
    }
    let mean = sums.map { S($0 / Double(max(1, rows.count))) }
    var shifted = rows.rows
    var lengths: [Double] = []
    for row in 0..<rows.count {
      var square = 0.0
      for i in 0..<d {
        shifted[row * d + i] -= mean[i]
        square += Double(shifted[row * d + i]) * Double(shifted[row * d + i])
      }
      lengths.append(square.squareRoot())
    }
    (self.rows, self.mean, self.shifted, self.lengths) = (rows, mean, shifted, lengths)
  }

  /// The nearest centre of each row, the first of equally near ones.
  ///
  /// - Parameter centers: [count, dimension].
  /// - Complexity: O(n k d).
  func clusters(_ centers: [Double]) -> [Int] {
    let d = rows.dimension
    let count = centers.count / d
    let moved = centers.indices.map { S(centers[$0] - Double(mean[$0 % d])) }
    let squares = (0..<count).map { center in
      moved[center * d..<(center + 1) * d].reduce(0.0) { $0 + Double($1) * Double($1) }
    }
    let halves = squares.map { S($0 / 2) }
    let longest = (squares.max() ?? 0).squareRoot()
    // What rounding may do to a score of a row of length 1, at most: d sums of products, the
    // differences to the mean and the last one.
    let share = 2 * Double(d + 8) * Double(S.ulpOfOne)
    let tiniest = Double(d) * Double(S.leastNormalMagnitude)
    let height = max(1, min(rows.count, (1 << 22) / count))
    var products = Array(repeating: S(0), count: height * count)
    var clusters = Array(repeating: 0, count: rows.count)
    for start in stride(from: 0, to: rows.count, by: height) {
      let size = min(height, rows.count - start)
      products.withUnsafeMutableBufferPointer { products in
        shifted.withUnsafeBufferPointer { a in
          moved.withUnsafeBufferPointer { b in
            guard let c = products.baseAddress, let a = a.baseAddress, let b = b.baseAddress else {
              return
            }
            S.product(
              c, a + start * d, b, m: size, n: count, k: d, transposingA: false,
              transposingB: true, adding: false)
          }
        }
        let products = products
        clusters.withUnsafeMutableBufferPointer { clusters in
          let clusters = clusters
          Parallel.forEachRange(size, grain: 64) { range in
            for row in range {
              let scores = UnsafeMutableBufferPointer(
                rebasing: products[row * count..<(row + 1) * count])
              var (best, bestScore) = (0, -S.infinity)
              for center in 0..<count {
                scores[center] -= halves[center]
                if scores[center] > bestScore { (best, bestScore) = (center, scores[center]) }
              }
              let doubt = share * (lengths[start + row] + longest) * longest + tiniest
              let least = bestScore - S(doubt)
              if (0..<count).contains(where: { $0 != best && scores[$0] >= least }) {
                let near = (0..<count).filter { scores[$0] >= least }
                best = nearest(near, to: start + row, centers)
              }
              clusters[start + row] = best
            }
          }
        }
      }
    }
    return clusters
  }

  private func nearest(_ candidates: [Int], to row: Int, _ centers: [Double]) -> Int {
    let d = rows.dimension
    var (best, least) = (candidates[0], Double.infinity)
    for center in candidates {
      var distance = 0.0
      for i in 0..<d {
        let difference = Double(rows.rows[row * d + i]) - centers[center * d + i]
        distance += difference * difference
      }
      if distance < least { (best, least) = (center, distance) }
    }
    return best
  }
}
