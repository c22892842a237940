import Autodiff
import Testing

@Suite struct UpdateTests {
  @Test(arguments: DType.allCases)
  func firstStepOfAdamWIsTheLearningRate(_ dtype: DType) {
    // With corrected moments the first step is g / |g|, whatever the size of the gradient.
    var p = Tensor([1.0, -2, 3], shape: [3]).converted(to: dtype)
    let g = Tensor([0.5, -40, 0], shape: [3]).converted(to: dtype)
    var (m, v) = (Tensor(zeros: [3], dtype: dtype), Tensor(zeros: [3], dtype: dtype))
    p.updateWithAdamW(
      gradient: g, firstMoment: &m, secondMoment: &v, learningRate: 0.1, beta1: 0.9,
      beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, step: 1)
    expect(p, [0.999 - 0.1, -1.998 + 0.1, 2.997], within: 1e-6)
    expect(m, [0.05, -4, 0], within: 1e-6)
    expect(v, [0.00025, 1.6, 0], within: 1e-6)
  }

  @Test func adamWFollowsItsFormula() {
    let gradients = [0.3, -1.2, 0.7]
    var p = Tensor([2.0], shape: [1])
    var (m, v) = (Tensor(zeros: [1], dtype: .float64), Tensor(zeros: [1], dtype: .float64))
    var (expected, first, second) = (2.0, 0.0, 0.0)
    var (power1, power2) = (1.0, 1.0)
    for (i, g) in gradients.enumerated() {
      p.updateWithAdamW(
        gradient: Tensor([g], shape: [1]), firstMoment: &m, secondMoment: &v,
        learningRate: 0.05, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.2, step: i + 1)
      (power1, power2) = (power1 * 0.8, power2 * 0.95)
      first = 0.8 * first + 0.2 * g
      second = 0.95 * second + 0.05 * g * g
      expected *= 1 - 0.05 * 0.2
      expected -=
        0.05 * (first / (1 - power1)) / ((second / (1 - power2)).squareRoot() + 1e-3)
      #expect(abs(p.item - expected) < 1e-14)
    }
  }

  @Test(arguments: [false, true])
  func sgdFollowsItsFormula(_ nesterov: Bool) {
    var p = Tensor([2.0], shape: [1])
    var velocity = Tensor(zeros: [1], dtype: .float64)
    var (expected, speed) = (2.0, 0.0)
    for gradient in [0.3, -1.2, 0.7] {
      p.updateWithSGD(
        gradient: Tensor([gradient], shape: [1]), velocity: &velocity, learningRate: 0.05,
        momentum: 0.9, nesterov: nesterov, weightDecay: 0.1)
      let g = gradient + 0.1 * expected
      speed = 0.9 * speed + g
      expected -= 0.05 * (nesterov ? g + 0.9 * speed : speed)
      #expect(abs(p.item - expected) < 1e-14)
    }
  }

  @Test func updatesLeaveCopiesAlone() {
    var p = Tensor([1.0, 2], shape: [2])
    let copy = p
    var velocity = Tensor(zeros: [2], dtype: .float64)
    p.updateWithSGD(
      gradient: Tensor([1.0, 1], shape: [2]), velocity: &velocity, learningRate: 1, momentum: 0,
      nesterov: false, weightDecay: 0)
    #expect(copy.elements(as: Double.self) == [1, 2])
    #expect(p.elements(as: Double.self) == [0, 1])
  }

  private func expect(_ tensor: Tensor, _ values: [Double], within tolerance: Double) {
    for (a, b) in zip(tensor.elements(as: Double.self), values) {
      #expect(abs(a - b) <= tolerance * max(1, abs(b)))
    }
  }
}
