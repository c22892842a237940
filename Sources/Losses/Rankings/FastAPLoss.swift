import Autodiff
import Geometry
import Settings

/// Average precision over a soft histogram of distances.
///
/// The squared distances of a row, from 0 to 4, are counted in bins that overlap like tents; h⁺ and
/// h are the counts of positives and of all, H⁺ and H their running sums. The mean over the rows
/// that have a positive of
///
///     1 - 1/|P| Σ_bins h⁺ H⁺ / H
///
/// Tuples weight the rows. Defaults: 10 bins, normalised embeddings. Distinct classes give 0.
/// O(batch²).
/// - Reference: Cakir et al., *Deep Metric Learning to Rank* (CVPR 2019).
public struct FastAPLoss: Loss, RowFunction {
  public var bins: Int

  public init(bins: Int) { self.bins = bins }
  public init() { self.init(bins: 10) }

  public static let summary = "average precision over a soft histogram of distances"
  public static let source = "Cakir et al., Deep Metric Learning to Rank, CVPR 2019"
  public static let settings = [
    Setting("bins", \Self.bins, "how many bins the histogram has", in: 1...10000)
  ]

  public var goesByRows: Bool { true }
  public var labelUse: LabelUse { .pairs }

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    input.distances(Distance(.squaredEuclidean)).reduced(
      by: self, pairs: input.allPairs, weights: input.rowWeights, reducer: input.rowReducer)
  }

  public static var hasTermPerRow: Bool { true }

  @specialized(where S == Float)
  @specialized(where S == Double)
  public func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let count = row.kinds.count { $0 > 0 }
    guard count > 0 else { return }
    let scale = Double(bins) / 4
    var positives = [Double](repeating: 0, count: bins + 1)
    var all = positives
    for j in row.indices where row.kinds[j] != 0 {
      let (bin, part) = place(Double(row.values[j]) * scale)
      all[bin] += 1 - part
      all[bin + 1] += part
      guard row.kinds[j] > 0 else { continue }
      positives[bin] += 1 - part
      positives[bin + 1] += part
    }
    // The derivative of Σ h⁺ H⁺ / H in a positive of bin k is H⁺/H at k and, from there on, the sum
    // of h⁺ (1/H - H⁺/H²); in a negative it is the sum of -h⁺ H⁺/H².
    var (precision, positiveSum, sum) = (0.0, 0.0, 0.0)
    var (positiveSlopes, slopes) = (all, all)
    var own = all
    for k in 0...bins {
      positiveSum += positives[k]
      sum += all[k]
      let inverse = sum > 0 ? 1 / sum : 0
      precision += positives[k] * positiveSum * inverse
      own[k] = positiveSum * inverse
      slopes[k] = -positives[k] * positiveSum * inverse * inverse
      positiveSlopes[k] = positives[k] * inverse
    }
    for k in stride(from: bins - 1, through: 0, by: -1) {
      slopes[k] += slopes[k + 1]
      positiveSlopes[k] += positiveSlopes[k + 1]
    }
    for k in 0...bins { positiveSlopes[k] += own[k] + slopes[k] }
    let factor = -scale / Double(count)
    for j in row.indices where row.kinds[j] != 0 {
      let (bin, part) = place(Double(row.values[j]) * scale)
      guard part < 1 else { continue }
      let step =
        row.kinds[j] > 0
        ? positiveSlopes[bin + 1] - positiveSlopes[bin] : slopes[bin + 1] - slopes[bin]
      row.derivatives[j] = S(factor * step)
    }
    sums.terms.add(row.weighted(S(max(0, 1 - precision / Double(count)))))
  }

  /// The bin below a place in the histogram, and the part that goes to the next one.
  @inline(__always)
  private func place(_ value: Double) -> (bin: Int, part: Double) {
    let value = min(max(0, value), Double(bins))
    let bin = min(Int(value), bins - 1)
    return (bin, value - Double(bin))
  }
}
