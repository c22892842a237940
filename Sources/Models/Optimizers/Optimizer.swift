import Autodiff

/// Applies a rule to every parameter of a model, keeping the state of each.
public struct Optimizer: Sendable {
  public let rule: any UpdateRule
  /// How many steps were taken.
  public var step = 0
  /// What the rule remembers of each parameter, in the parameters' order.
  public var states: [[Tensor]]

  public init(_ rule: any UpdateRule, for model: some Parameterized) {
    self.rule = rule
    states = model.parameters.map { rule.initialState(for: $0.value) }
  }

  /// Takes one step.
  ///
  /// - Parameters:
  ///   - factor: what the learning rates are multiplied by, from a ``Schedule``.
  ///   - belongsToLoss: whether the parameter of a name is the loss's own.
  public mutating func update<Model: Parameterized>(
    _ model: inout Model, along gradient: Model, factor: Double = 1,
    belongsToLoss: (String) -> Bool = { _ in false }
  ) {
    step += 1
    let gradients = gradient.parameters.map(\.value)
    precondition(
      gradients.count == states.count,
      "Optimizer: \(gradients.count) gradients for \(states.count) parameters")
    var i = 0
    model.updateParameters { name, parameter in
      let isLoss = belongsToLoss(name)
      rule.update(
        &parameter, along: gradients[i], state: &states[i],
        learningRate: factor * ((isLoss ? rule.lossLearningRate : nil) ?? rule.learningRate),
        weightDecay: (isLoss ? rule.lossWeightDecay : nil) ?? rule.weightDecay, step: step)
      i += 1
    }
  }
}

extension Parameterized {
  /// √Σ x² over all parameters.
  public var norm: Double {
    parameters.reduce(0) { $0 + ($1.value * $1.value).sum().item }.squareRoot()
  }

  /// Scales all parameters down together so that their norm is at most `limit`.
  public mutating func clip(toNorm limit: Double) {
    let norm = norm
    guard norm.isFinite, norm > limit else { return }
    updateParameters { $1 = $1.scaled(by: limit / norm) }
  }
}
