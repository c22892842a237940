import Foundation

// Steps of optimisers, in place.

extension Tensor {
  /// One step of Adam with decoupled weight decay.
  ///
  /// p ← p (1 - lr λ); m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²;
  /// p ← p - lr (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)
  ///
  /// Source: Loshchilov and Hutter, 2019.
  /// - Parameters:
  ///   - firstMoment, secondMoment: m and v, zeros before the first step; of this tensor's shape.
  ///   - beta1, beta2: the decay rates of the moments, in 0..<1.
  ///   - weightDecay: λ.
  ///   - step: t, counted from 1.
  public mutating func updateWithAdamW(
    gradient: Tensor, firstMoment: inout Tensor, secondMoment: inout Tensor,
    learningRate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double,
    step: Int
  ) {
    precondition(step > 0, "updateWithAdamW: steps are counted from 1, not \(step)")
    precondition(
      [gradient, firstMoment, secondMoment].allSatisfy { $0.shape == shape && $0.dtype == dtype },
      "updateWithAdamW: gradient \(gradient.shape) or moments \(firstMoment.shape) and "
        + "\(secondMoment.shape) do not fit \(shape) \(dtype)")
    func run<S: Scalar>(_: S.Type) {
      let numbers = AdamWNumbers<S>(
        decay: S(1 - learningRate * weightDecay), beta1: S(beta1), beta2: S(beta2),
        share1: S(1 - beta1), share2: S(1 - beta2),
        rate: S(learningRate / (1 - pow(beta1, Double(step)))),
        correction: S((1 - pow(beta2, Double(step))).squareRoot()), epsilon: S(epsilon))
      updateElements(of: S.self) { p in
        gradient.withElements(of: S.self) { g in
          firstMoment.updateElements(of: S.self) { m in
            secondMoment.updateElements(of: S.self) { v in S.adamW(p, g, m, v, numbers) }
          }
        }
      }
    }
    if dtype == .float32 { run(Float.self) } else { run(Double.self) }
  }

  /// One step of stochastic gradient descent with momentum, as PyTorch has it (no dampening).
  ///
  /// g ← g + λ p; v ← μ v + g; p ← p - lr v, or p ← p - lr (g + μ v) with Nesterov's momentum.
  /// - Parameters:
  ///   - velocity: v, zeros before the first step; of this tensor's shape.
  ///   - momentum: μ.
  ///   - weightDecay: λ, added to the gradient.
  public mutating func updateWithSGD(
    gradient: Tensor, velocity: inout Tensor, learningRate: Double, momentum: Double,
    nesterov: Bool, weightDecay: Double
  ) {
    precondition(
      [gradient, velocity].allSatisfy { $0.shape == shape && $0.dtype == dtype },
      "updateWithSGD: gradient \(gradient.shape) or velocity \(velocity.shape) do not fit "
        + "\(shape) \(dtype)")
    func run<S: Scalar>(_: S.Type) {
      updateElements(of: S.self) { p in
        gradient.withElements(of: S.self) { g in
          velocity.updateElements(of: S.self) { v in
            S.sgd(
              p, g, v, rate: S(learningRate), momentum: S(momentum), nesterov: nesterov,
              decay: S(weightDecay))
          }
        }
      }
    }
    if dtype == .float32 { run(Float.self) } else { run(Double.self) }
  }
}

/// The numbers of one step of AdamW.
package struct AdamWNumbers<S: Scalar> {
  /// 1 - lr λ.
  let decay: S
  let beta1, beta2: S
  /// 1 - β₁ and 1 - β₂, rounded once: the difference of rounded numbers has few digits left.
  let share1, share2: S
  /// lr / (1 - β₁ᵗ).
  let rate: S
  /// √(1 - β₂ᵗ).
  let correction: S
  let epsilon: S

  package init(
    decay: S, beta1: S, beta2: S, share1: S, share2: S, rate: S, correction: S, epsilon: S
  ) {
    (self.decay, self.beta1, self.beta2) = (decay, beta1, beta2)
    (self.share1, self.share2, self.rate) = (share1, share2, rate)
    (self.correction, self.epsilon) = (correction, epsilon)
  }
}
