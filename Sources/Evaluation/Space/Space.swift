import Autodiff
import Foundation
import Geometry

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
  /// KL(uniform ‖ singular values / their sum); nil if all are 0. (Roth et al., 2020)
  let spectralDecay: Double?
  /// (P − 1) / (d − 1) with P = trace(C)² / ‖C‖² of the covariance C, 0 for C = 0; nil for one
  /// column. (Rudman et al., 2022)
  let isoScore: Double?
  /// Mean over rows of the maximum-likelihood local intrinsic dimension; see ``LocalDimension``.
  let intrinsicDimension: Double?
  /// Mean ‖x − mean of all‖, as the rows were given.
  let centreDistance: Double

  /// - Complexity: O(n d² + d³ + m² d + 1000 n d) time with m ≤ 8192, O(d²) memory and a block of
  ///   distances.
  init<S: Scalar>(_ rows: LabeledRows<S>, unit: LabeledRows<S>) {
    let (n, d) = (unit.count, unit.dimension)
    /// ‖Σ u‖², Σ ‖u‖², and how many rows hold nothing but zeros.
    func sums(_ items: [Int]) -> (norm: Double, squares: Double, zeros: Double) {
      var total = [Double](repeating: 0, count: d)
      var (squares, zeros) = (0.0, 0.0)
      for item in items {
        var own = 0.0
        for i in 0..<d {
          let x = Double(unit.rows[item * d + i])
          total[i] += x
          own += x * x
        }
        squares += own
        if own == 0 { zeros += 1 }
      }
      return (total.reduce(0) { $0 + $1 * $1 }, squares, zeros)
    }
    // Σ over pairs of ‖u − v‖² = n Σ ‖u‖² − ‖Σ u‖², a row of zeros having length 1 and cosine 0 with all.
    var (squares, pairs) = (0.0, 0.0)
    for items in unit.members where items.count > 1 {
      let sums = sums(items)
      let (norm, all) = (sums.norm + sums.zeros, sums.squares + sums.zeros)
      squares += max(0, Double(items.count) * all - norm)
      pairs += Double(items.count * (items.count - 1) / 2)
    }
    alignment = pairs > 0 ? squares / pairs : nil
    let whole = sums(Array(0..<n))
    let all = Double(n) * Double(n - 1)
    meanCosine = n > 1 ? min(1, max(-1, (whole.norm - whole.squares) / all)) : nil
    let sample = unit.sample(8192)
    let pairsOfSample = Double(sample.count) * Double(sample.count - 1) / 2
    uniformity = n > 1 ? log(Space.potential(sample) / pairsOfSample) : nil
    let gram = gram(rows.rows, count: n, width: d)
    (effectiveRank, spectralDecay) = Space.spectrum(gram, size: d)
    let mean = Space.mean(rows)
    isoScore = Space.isoScore(gram, mean: mean, count: Double(n))
    centreDistance = Space.centreDistance(rows, around: mean)
    intrinsicDimension = localDimension(rows)
  }

  /// Σ over unordered pairs of exp(−2 ‖u − v‖²).
  private static func potential<S: Scalar>(_ unit: LabeledRows<S>) -> Double {
    DistanceRows(query: unit, gallery: unit, isSelf: true).reducePairs(0.0) { sum, _, _, rest in
      for i in rest.indices { rest[i] *= -2 }
      if let start = rest.baseAddress { S.exp(start, start, rest.count) }
      sum += rest.reduce(0.0) { $0 + Double($1) }
    }.reduce(0, +)
  }

  /// Effective rank and spectral decay.
  private static func spectrum(_ gram: [Double], size d: Int) -> (rank: Double?, decay: Double?) {
    let values = SymmetricEigen(gram, size: d, findsVectors: false).values.map {
      max(0, $0).squareRoot()
    }
    // What is smaller than this is rounding of the squares.
    let floor = (values.max() ?? 0) * 1e-7
    let total = values.reduce(0) { $0 + ($1 > floor ? $1 : 0) }
    guard total > 0 else { return (nil, nil) }
    let shares = values.map { $0 > floor ? $0 / total : 0 }
    let entropy = shares.reduce(0.0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    let uniform = 1 / Double(d)
    let decay = shares.reduce(0.0) { $0 + uniform * log(uniform / max($1, 1e-12)) }
    return (exp(entropy), decay)
  }

  private static func mean<S: Scalar>(_ rows: LabeledRows<S>) -> [Double] {
    var mean = [Double](repeating: 0, count: rows.dimension)
    for start in stride(from: 0, to: rows.rows.count, by: rows.dimension) {
      for i in mean.indices { mean[i] += Double(rows.rows[start + i]) }
    }
    return mean.map { $0 / Double(rows.count) }
  }

  private static func isoScore(_ gram: [Double], mean: [Double], count: Double) -> Double? {
    let d = mean.count
    guard d > 1 else { return nil }
    var (trace, squares, size) = (0.0, 0.0, 0.0)
    for i in 0..<d {
      for j in 0..<d {
        let value = gram[i * d + j] / count - mean[i] * mean[j]
        squares += value * value
        if i == j { (trace, size) = (trace + value, size + gram[i * d + j] / count) }
      }
    }
    // What is smaller than this is rounding: all rows are equal.
    guard trace > 1e-13 * size else { return 0 }
    return min(1, max(0, (trace * trace / squares - 1) / Double(d - 1)))
  }

  private static func centreDistance<S: Scalar>(_ rows: LabeledRows<S>, around mean: [Double])
    -> Double
  {
    let d = rows.dimension
    var sum = 0.0
    for row in 0..<rows.count {
      var square = 0.0
      for i in 0..<d {
        let offset = Double(rows.rows[row * d + i]) - mean[i]
        square += offset * offset
      }
      sum += square.squareRoot()
    }
    return sum / Double(rows.count) * rows.scale
  }
}
