import Autodiff
import Foundation

/// The share of each row in an anchor's neighbourhood: p_ij = softmax over j ≠ i of -|L (x_i - x_j)|².
///
/// What NCA and MLKR are made of. Shares below e^-45 of the nearest one's are left out: together they
/// are less than rounding.
struct NeighborSoftmax {
  /// Rows, and centred ones for what is summed over them.
  let rows, centered: Matrix
  let anchors: [Int]

  init(_ rows: Matrix, anchors: [Int]) {
    (self.rows, self.anchors) = (rows, anchors)
    centered = rows.centered()
  }

  /// Sums `body` over the anchors; returns the value and its gradient in the map.
  ///
  /// - Parameter body: gets an anchor and the shares of its neighbours, turns these into the
  ///   derivatives of its value in the squared distances, and returns the value.
  /// - Complexity: O(anchors · items · columns) at most; memory for a few copies of the rows.
  func sum(
    map: Matrix, _ body: (Int, inout SparseRow) -> Double
  ) -> (value: Double, gradient: Matrix) {
    let embedded = centered.times(map, transposingOther: true)
    let (n, k) = (embedded.rows, embedded.columns)
    let (value, scatter) = embedded.elements.withUnsafeBufferPointer { e in
      pairScatter(centered, anchors: anchors) { i, row in
        guard let base = e.baseAddress else { return 0 }
        var least = Double.infinity
        for j in 0..<n where j != i {
          let square = squaredDistance(base + i * k, base + j * k, k, limit: least + reach)
          guard square <= least + reach else { continue }
          least = min(least, square)
          row.append(j, square)
        }
        var (kept, total) = (0, 0.0)
        for slot in 0..<row.count where row.weights[slot] <= least + reach {
          let share = exp(least - row.weights[slot])
          total += share
          (row.rows[kept], row.weights[kept]) = (row.rows[slot], share)
          kept += 1
        }
        row.count = kept
        for slot in 0..<kept { row.weights[slot] /= total }
        return body(i, &row)
      }
    }
    return (value, map.times(scatter) * 2)
  }

  private let reach = 45.0
}

/// Minimises a function of a map by quasi-Newton steps.
func descend(
  from start: Matrix, maxIterations: Int, tolerance: Double,
  _ function: @escaping (Matrix) -> (value: Double, gradient: Matrix)
) -> (map: Matrix, result: LBFGS.Result) {
  var solver = LBFGS()
  solver.maxIterations = maxIterations
  solver.gradientTolerance = tolerance
  solver.valueTolerance = 1e-11
  let result = solver.minimize(from: start.elements) { point, gradient in
    let found = function(Matrix(point, rows: start.rows, columns: start.columns))
    gradient = found.gradient.elements
    return found.value
  }
  return (Matrix(result.point, rows: start.rows, columns: start.columns), result)
}
