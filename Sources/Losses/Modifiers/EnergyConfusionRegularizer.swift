import Autodiff
import Geometry
import Settings

/// Random pairs, of different classes too, drawn together against the loss.
///
/// Each row draws `draws` of the rows after it. With n₊ and n₋ the numbers of all pairs within and
/// between classes:
///
///     log(Σ_drawn ½ ‖x_i - x_j‖² / (n₊ or n₋) + 10⁻¹²)
///
/// Embeddings are raw. The published code takes no part of this gradient past the last layer; here
/// the loss sees embeddings only, so the whole encoder takes it. Rows with fewer rows after them
/// than `draws` take these, where the code leaves out the last of the batch. O(batch²).
///
/// Defaults: weight 0.13, 10 draws, of the embeddings. One row alone gives log 10⁻¹².
/// - Reference: Chen and Deng, *Energy Confused Adversarial Metric Learning for Zero-Shot Image
///   Retrieval and Clustering* (AAAI 2019).
public struct EnergyConfusionRegularizer: Regularizer {
  public var draws = 10
  public var weight = 0.13
  public var of = RegularizedRows.embeddings
  public init() {}

  public static let summary = "random pairs, of different classes too, drawn together"
  public static let source =
    "Chen and Deng, Energy Confused Adversarial Metric Learning for Zero-Shot Image Retrieval and "
    + "Clustering, AAAI 2019"
  public static var settings: [Setting<Self>] {
    [Setting("draws", \Self.draws, "how many later rows each row is paired with", in: 1...10_000)]
      + regularizerSettings
  }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    let n = labels.count
    var random = random.split("energy confusion")
    var (positive, negative): ([Pair], [Pair]) = ([], [])
    for i in 0..<n {
      let later = Array(i + 1..<n)
      let chosen =
        later.count <= draws ? later : (0..<draws).map { _ in later[random.below(later.count)] }
      for j in chosen {
        if labels[i] == labels[j] {
          positive.append(Pair(i, j))
        } else {
          negative.append(Pair(i, j))
        }
      }
    }
    var counts: [Int: Int] = [:]
    for label in labels { counts[label, default: 0] += 1 }
    let within = counts.values.reduce(0) { $0 + $1 * ($1 - 1) / 2 }
    let energy = Distance(.squaredEuclidean, normalizes: false).matrix(rows).reduced(
      by: HalfMeans(within: within, between: n * (n - 1) / 2 - within),
      pairs: PairTable(.pairs(positive: positive, negative: negative), rows: n, columns: n))
    return log(energy.value.shifted(by: 1e-12))
  }
}

private struct HalfMeans: RowFunction {
  let within, between: Int
  var reduction: Reduction { .sum }

  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices where row.kinds[j] != 0 {
      let factor = Double(abs(row.kinds[j])) / Double(2 * (row.kinds[j] > 0 ? within : between))
      sums.terms.add(factor * Double(row.values[j]))
      row.derivatives[j] = S(factor)
    }
  }
}
