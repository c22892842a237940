import Autodiff
import Foundation

/// How the embeddings of the queries lie in their space, labels aside or class by class.
///
/// Alignment, uniformity and cosine are of the rows divided by their lengths.
struct Space {
  /// Mean squared distance of matching pairs; nil if there are none. (Wang and Isola, 2020)
  let alignment: Double?
  /// log of the mean of exp(−2 ‖u − v‖²) over all pairs of different rows; nil for one row.
  /// (Wang and Isola, 2020)
  let uniformity: Double?
  /// Mean cosine over all pairs of different rows; nil for one row.
  let meanCosine: Double?
  /// exp of the entropy of the singular values divided by their sum, without centring; nil if all
  /// are 0. (Roy and Vetterli, 2007)
  let effectiveRank: Double?

  /// - Complexity: O(n² d + n d² + d³) time, O(d²) memory and a block of distances.
  init<S: Scalar>(_ rows: LabeledRows<S>, unit: LabeledRows<S>) {
    let (n, d) = (unit.count, unit.dimension)
    func sums(_ items: [Int]) -> (norm: Double, squares: Double) {
      var total = [Double](repeating: 0, count: d)
      var squares = 0.0
      for item in items {
        for i in 0..<d { total[i] += Double(unit.rows[item * d + i]) }
        squares += Double(unit.squaredNorms[item])
      }
      return (total.reduce(0) { $0 + $1 * $1 }, squares)
    }
    // Σ over pairs of ‖u − v‖² = n Σ ‖u‖² − ‖Σ u‖².
    var (squares, pairs) = (0.0, 0.0)
    for items in unit.members where items.count > 1 {
      let sums = sums(items)
      squares += max(0, Double(items.count) * sums.squares - sums.norm)
      pairs += Double(items.count * (items.count - 1) / 2)
    }
    alignment = pairs > 0 ? squares / pairs : nil
    let whole = sums(Array(0..<n))
    let all = Double(n) * Double(n - 1)
    meanCosine = n > 1 ? min(1, max(-1, (whole.norm - whole.squares) / all)) : nil
    uniformity = n > 1 ? log(Space.potential(unit) / (all / 2)) : nil
    effectiveRank = Space.effectiveRank(rows)
  }

  /// Σ over unordered pairs of exp(−2 ‖u − v‖²).
  private static func potential<S: Scalar>(_ unit: LabeledRows<S>) -> Double {
    DistanceRows(query: unit, gallery: unit, isSelf: true).reduce(0.0) { sum, row, line in
      let rest = UnsafeMutableBufferPointer(rebasing: line[(row + 1)...])
      for i in rest.indices { rest[i] *= -2 }
      if let start = rest.baseAddress { S.exp(start, start, rest.count) }
      sum += rest.reduce(0.0) { $0 + Double($1) }
    }.reduce(0, +)
  }

  private static func effectiveRank<S: Scalar>(_ rows: LabeledRows<S>) -> Double? {
    let d = rows.dimension
    let gram = gram(rows.rows, count: rows.count, width: d)
    let values = symmetricEigenvalues(gram, size: d).map { max(0, $0).squareRoot() }
    // What is smaller than this is rounding of the squares.
    let floor = (values.max() ?? 0) * 1e-7
    let kept = values.filter { $0 > floor }
    let total = kept.reduce(0, +)
    guard total > 0 else { return nil }
    return exp(kept.reduce(0.0) { $0 - $1 / total * log($1 / total) })
  }
}
