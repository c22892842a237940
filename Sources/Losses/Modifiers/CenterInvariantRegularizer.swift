import Autodiff
import Settings

/// Class weights of equal length.
///
///     mean_i (‖w_i‖² - mean_j ‖w_j‖²)² / 4
///
/// O(rows × dimension).
///
/// Defaults: weight 1, of the class weights.
/// - Reference: Wu et al., *Deep Face Recognition with Center Invariant Loss* (ACM MM Thematic
///   Workshops 2017).
public struct CenterInvariantRegularizer: Regularizer {
  public var weight = 1.0
  public var of = RegularizedRows.weights
  public init() {}

  public static let summary = "class weights of equal length"
  public static let source =
    "Wu et al., Deep Face Recognition with Center Invariant Loss, ACM MM Thematic Workshops 2017"
  public static var settings: [Setting<Self>] { regularizerSettings }

  public func penalty(of rows: Tensor, labels: [Int], random: Random) -> Tensor {
    let squares = (rows * rows).sumOverColumns()
    let deviations = squares.reshaped(to: [rows.shape[0], 1]).withCenteredColumns()
    return (deviations * deviations).mean().scaled(by: 0.25)
  }
}
