import Autodiff
import Geometry
import Settings

/// Centers of a class that merge where they are not needed.
///
/// Half the mean Euclidean distance between the centers of a class, scaled to length 1:
///
///     mean over pairs of one class of √(2 - 2 cos(w_i, w_j)) / 2
///
/// With one center for each class it is 0. Equal centers send each other no gradient, where
/// pytorch-metric-learning's is huge. Of the embeddings it draws items of a class together.
/// O(rows²).
///
/// Defaults: weight 1, of the class weights.
/// - Reference: Qian et al., *SoftTriple Loss: Deep Metric Learning Without Triplet Sampling* (ICCV
///   2019).
public struct SparseCentersRegularizer: Regularizer {
  public var weight = 1.0
  public var of = RegularizedRows.weights
  public init() {}

  public static let summary = "centers of a class that merge where they are not needed"
  public static let source =
    "Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, ICCV 2019"
  public static var settings: [Setting<Self>] { regularizerSettings }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    Distance.euclidean.matrix(rows).penalty(WithinClasses(), labels: labels).scaled(by: 0.5)
  }
}

private struct WithinClasses: RowFunction {
  func evaluate<S: Scalar>(_ row: LossRow<S>, into sums: inout LossSums) {
    for j in row.indices where row.kinds[j] > 0 {
      sums.terms.add(Double(row.values[j]))
      row.derivatives[j] = 1
    }
  }
}
