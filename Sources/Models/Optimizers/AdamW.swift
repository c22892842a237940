import Autodiff
import Settings

/// Adam with weight decay apart from the gradient.
///
///     p ← p - learningRate weightDecay p
///     m ← β₁ m + (1 - β₁) g;   v ← β₂ v + (1 - β₂) g²
///     p ← p - learningRate m/(1 - β₁ᵗ) / (√(v/(1 - β₂ᵗ)) + ε)
///
/// - Reference: Loshchilov and Hutter, *Decoupled Weight Decay Regularization* (2019).
public struct AdamW: UpdateRule {
  public var learningRate = 1e-3
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  public var weightDecay = 1e-2
  public var lossLearningRate: Double?
  public var lossWeightDecay: Double?

  public init() {}

  public static let summary = "Adam with weight decay apart from the gradient"

  public static let settings = [
    Setting("learningRate", \AdamW.learningRate, "the length of a step", in: 0...1e6),
    Setting("beta1", \AdamW.beta1, "how long the mean gradient is remembered", in: 0...0.999999),
    Setting("beta2", \AdamW.beta2, "how long the mean square is remembered", in: 0...0.99999999),
    Setting("epsilon", \AdamW.epsilon, "what is added to the root mean square", in: 1e-30...1),
    Setting("weightDecay", \AdamW.weightDecay, "the pull of parameters to 0", in: 0...1e6),
    Setting(
      "lossLearningRate", \AdamW.lossLearningRate,
      "the learning rate of the loss's own parameters; null: the same", in: 0...1e6),
    Setting(
      "lossWeightDecay", \AdamW.lossWeightDecay,
      "the weight decay of the loss's own parameters; null: the same", in: 0...1e6),
  ]

  public func initialState(for parameter: Tensor) -> [Tensor] {
    let zeros = Tensor(zeros: parameter.shape, dtype: parameter.dtype)
    return [zeros, zeros]
  }

  public func update(
    _ parameter: inout Tensor, along gradient: Tensor, state: inout [Tensor],
    learningRate: Double, weightDecay: Double, step: Int
  ) {
    var (first, second) = (state[0], state[1])
    state.removeAll(keepingCapacity: true)  // so that the moments are changed in place
    parameter.updateWithAdamW(
      gradient: gradient, firstMoment: &first, secondMoment: &second, learningRate: learningRate,
      beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay, step: step)
    state += [first, second]
  }
}
