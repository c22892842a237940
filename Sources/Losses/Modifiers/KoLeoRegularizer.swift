import Autodiff
import Foundation
import Geometry
import Settings

/// Embeddings spread evenly over the sphere, by the distance of each to its nearest other.
///
/// With x̂ the rows scaled to length 1 and ε = 10⁻⁸:
///
///     -mean_i log(min_{j ≠ i} ‖x̂_i - x̂_j‖ + ε)
///
/// Equal rows cost -log ε and send each other no gradient; one row alone gives 0. O(batch²).
///
/// Defaults: weight 1, of the embeddings.
/// - Reference: Sablayrolles et al., *Spreading Vectors for Similarity Search* (ICLR 2019).
public struct KoLeoRegularizer: Regularizer {
  public var weight = 1.0
  public var of = RegularizedRows.embeddings
  public init() {}

  public static let summary = "embeddings spread evenly, by the distance to the nearest other"
  public static let source =
    "Sablayrolles et al., Spreading Vectors for Similarity Search, ICLR 2019"
  public static var settings: [Setting<Self>] { regularizerSettings }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    Distance.euclidean.matrix(rows).penalty(NearestLogarithm(), labels: labels)
  }
}

private struct NearestLogarithm: RowFunction {
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let others = row.indices.filter { row.kinds[$0] != 0 }
    guard let nearest = others.min(by: { row.values[$0] < row.values[$1] }) else { return }
    let distance = Double(row.values[nearest]) + 1e-8
    sums.terms.add(-log(distance))
    row.derivatives[nearest] = S(-1 / distance)
  }
}
