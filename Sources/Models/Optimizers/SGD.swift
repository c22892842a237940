import Autodiff
import Settings

/// Stochastic gradient descent with momentum.
///
///     g ← gradient + weightDecay p
///     v ← momentum v + g
///     p ← p - learningRate (nesterov ? g + momentum v : v)
///
/// - Reference: Sutskever et al., *On the Importance of Initialization and Momentum in Deep
///   Learning* (2013); the form is PyTorch's.
public struct SGD: UpdateRule {
  public var learningRate = 0.1
  public var momentum = 0.9
  public var nesterov = false
  public var weightDecay = 0.0
  public var lossLearningRate: Double?
  public var lossWeightDecay: Double?

  public init() {}

  public static let summary = "stochastic gradient descent with momentum"

  public static let settings = [
    Setting("learningRate", \SGD.learningRate, "the length of a step", in: 0...1e6),
    Setting("momentum", \SGD.momentum, "how much of the last step is kept", in: 0...1),
    Setting("nesterov", \SGD.nesterov, "whether to look ahead along the momentum"),
    Setting("weightDecay", \SGD.weightDecay, "the pull of parameters to 0", in: 0...1e6),
    Setting(
      "lossLearningRate", \SGD.lossLearningRate,
      "the learning rate of the loss's own parameters; null: the same", in: 0...1e6),
    Setting(
      "lossWeightDecay", \SGD.lossWeightDecay,
      "the weight decay of the loss's own parameters; null: the same", in: 0...1e6),
  ]

  public func initialState(for parameter: Tensor) -> [Tensor] {
    [Tensor(zeros: parameter.shape, dtype: parameter.dtype)]
  }

  public func update(
    _ parameter: inout Tensor, along gradient: Tensor, state: inout [Tensor],
    learningRate: Double, weightDecay: Double, step: Int
  ) {
    parameter.updateWithSGD(
      gradient: gradient, velocity: &state[0], learningRate: learningRate, momentum: momentum,
      nesterov: nesterov, weightDecay: weightDecay)
  }
}
