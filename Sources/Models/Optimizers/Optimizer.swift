import Autodiff

/// Applies a rule to every parameter of a model, keeping the state of each.
public struct Optimizer: Sendable {
  public let rule: any UpdateRule
  /// How many steps were taken.
  public var step = 0
  /// What the rule remembers of each parameter, in the parameters' order; nothing of a frozen one.
  public var states: [[Tensor]]
  private let rates: [ParameterRates]

  /// - Parameters:
  ///   - groups: parameters that are trained in another way than by the rule's own settings.
  ///   - belongsToLoss: whether the parameter of a name is the loss's own.
  public init(
    _ rule: any UpdateRule, groups: ParameterGroups = ParameterGroups(),
    for model: some Parameterized, belongsToLoss: (String) -> Bool = { _ in false }
  ) {
    self.rule = rule
    let parameters = model.parameters
    rates = groups.rates(of: parameters.map(\.name), rule: rule, belongsToLoss: belongsToLoss)
    states = zip(parameters, rates).map { parameter, rates in
      rates.isFrozen ? [] : rule.initialState(for: parameter.value)
    }
  }

  /// Takes one step. Frozen parameters stay as they are, whatever their gradient.
  ///
  /// - Parameter factor: what the learning rates are multiplied by, from a ``Schedule``.
  public mutating func update<Model: Parameterized>(
    _ model: inout Model, along gradient: Model, factor: Double = 1
  ) {
    step += 1
    let gradients = gradient.parameters.map(\.value)
    precondition(
      gradients.count == states.count,
      "Optimizer: \(gradients.count) gradients for \(states.count) parameters")
    var i = 0
    model.updateParameters { _, parameter in
      if !rates[i].isFrozen {
        rule.update(
          &parameter, along: gradients[i], state: &states[i],
          learningRate: factor * rates[i].learningRate, weightDecay: rates[i].weightDecay,
          step: step)
      }
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
