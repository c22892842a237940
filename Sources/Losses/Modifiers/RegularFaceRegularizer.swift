import Autodiff
import Geometry
import Settings

/// Class weights far apart: the cosine of each to the nearest other.
///
///     mean_i max_{j ≠ i} cos(w_i, w_j)
///
/// One row alone gives 0. O(rows²).
///
/// Defaults: weight 1, of the class weights.
/// - Reference: Zhao et al., *RegularFace: Deep Face Recognition via Exclusive Regularization*
///   (CVPR 2019).
public struct RegularFaceRegularizer: Regularizer {
  public var weight = 1.0
  public var of = RegularizedRows.weights
  public init() {}

  public static let summary = "class weights far apart: the cosine of each to the nearest other"
  public static let source =
    "Zhao et al., RegularFace: Deep Face Recognition via Exclusive Regularization, CVPR 2019"
  public static var settings: [Setting<Self>] { regularizerSettings }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    Distance.cosine.matrix(rows).penalty(LargestOther(), labels: labels)
  }
}

/// The largest value of each row.
private struct LargestOther: RowFunction {
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    let others = row.indices.filter { row.kinds[$0] != 0 }
    guard let nearest = others.max(by: { row.values[$0] < row.values[$1] }) else { return }
    sums.terms.add(Double(row.values[nearest]))
    row.derivatives[nearest] = 1
  }
}
