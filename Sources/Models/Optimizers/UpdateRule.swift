import Autodiff
import Settings

/// How one parameter moves, given its gradient.
public protocol UpdateRule: Described {
  var learningRate: Double { get }
  var weightDecay: Double { get }
  /// The learning rate of the loss's own parameters (proxies and the like); nil: the same.
  var lossLearningRate: Double? { get }
  /// The weight decay of the loss's own parameters; nil: the same.
  var lossWeightDecay: Double? { get }

  /// What the rule remembers of one parameter, before the first step.
  func initialState(for parameter: Tensor) -> [Tensor]

  /// Moves a parameter.
  ///
  /// - Parameter step: 1 for the first step.
  func update(
    _ parameter: inout Tensor, along gradient: Tensor, state: inout [Tensor],
    learningRate: Double, weightDecay: Double, step: Int)
}
