import Autodiff
import Foundation
import Testing

@Suite struct OperationTests {
  private static func normal(_ shape: Int..., seed: UInt64) -> Tensor {
    var random = Random(seed: seed)
    return Tensor(normal: shape, deviation: 1, dtype: .float64, random: &random)
  }

  private func expectEqual(_ a: Tensor, _ b: Tensor) {
    #expect(a.shape == b.shape)
    for (a, b) in zip(a.elements(as: Double.self), b.elements(as: Double.self)) {
      #expect(abs(a - b) <= 1e-12 * max(1, abs(b)))
    }
  }

  @Test func convolutionReadsNeighboursAndZeros() {
    // Two channels; the kernel takes the pixel to the left of the first channel, and twice the
    // pixel below of the second.
    let x = Tensor([1.0, 10, 2, 20, 3, 30, 4, 40], shape: [1, 2, 2, 2])
    var kernel = [Double](repeating: 0, count: 18)
    kernel[(1 * 3 + 0) * 2] = 1
    kernel[(2 * 3 + 1) * 2 + 1] = 2
    let y = convolution(
      x, weight: Tensor(kernel, shape: [1, 3, 3, 2]), bias: Tensor([0.5], shape: [1]))
    #expect(y.shape == [1, 2, 2, 1])
    #expect(y.elements(as: Double.self) == [60.5, 81.5, 0.5, 3.5])
  }

  @Test func convolutionWithOnePixelKernelIsAnAffineMap() {
    let x = Self.normal(2, 3, 5, 7, seed: 1)
    let weight = Self.normal(9, 7, seed: 2)
    let bias = Self.normal(9, seed: 3)
    expectEqual(
      convolution(x, weight: weight.reshaped(to: [9, 1, 1, 7]), bias: bias),
      affine(x, weight: weight, bias: bias))
  }

  @Test(arguments: [[3, 4, 4, 5], [2, 5, 7, 17], [1, 2, 2, 1], [4, 1, 1, 3]])
  func fusedNormalizationIsTheSameAsItsParts(_ shape: [Int]) {
    var random = Random(seed: 9)
    let channels = shape[3]
    let point = [
      Tensor(normal: shape, deviation: 2, dtype: .float64, random: &random),
      Tensor(normal: [channels], deviation: 1, dtype: .float64, random: &random),
      Tensor(normal: [channels], deviation: 1, dtype: .float64, random: &random),
    ]
    let fused = normalizedReluPooled(point[0], scale: point[1], shift: point[2])
    let parts = batchNormalization(point[0], scale: point[1], shift: point[2])
    expectEqual(fused.y, maxPool2x2(relu(parts.y)))
    expectEqual(fused.mean, parts.mean)
    expectEqual(fused.variance, parts.variance)

    let (_, gradient) = valueWithGradient(at: point) {
      let y = normalizedReluPooled($0[0], scale: $0[1], shift: $0[2]).y
      return (y * y).sum()
    }
    let (_, expected) = valueWithGradient(at: point) {
      let y = maxPool2x2(relu(batchNormalization($0[0], scale: $0[1], shift: $0[2]).y))
      return (y * y).sum()
    }
    for (a, b) in zip(gradient, expected) { expectEqual(a, b) }
  }

  @Test func valuesAtTheEdgesAreFinite() {
    let x = Tensor([-1000.0, 0, 1000], shape: [3])
    expectEqual(softplus(x), Tensor([0, Foundation.log(2.0), 1000], shape: [3]))
    expectEqual(sigmoid(x), Tensor([0, 0.5, 1], shape: [3]))
    expectEqual(relu(x), Tensor([0.0, 0, 1000], shape: [3]))
    expectEqual(squareRoot(abs(x) * abs(x)), Tensor([1000.0, 0, 1000], shape: [3]))
  }

  @Test func rowsAreGatheredInOrder() {
    let x = Tensor([1.0, 2, 3, 4, 5, 6], shape: [3, 2])
    #expect(x.rows(at: [2, 0, 2]).elements(as: Double.self) == [5, 6, 1, 2, 5, 6])
    #expect(x.transposed.elements(as: Double.self) == [1, 3, 5, 2, 4, 6])
    #expect(
      Tensor.concatenated([x.rows(at: [1]), x]).elements(as: Double.self)
        == [3, 4, 1, 2, 3, 4, 5, 6])
    let (_, gradient) = valueWithGradient(at: x) { $0.rows(at: [2, 0, 2]).sum() }
    #expect(gradient.elements(as: Double.self) == [1, 1, 0, 0, 2, 2])
  }

  @Test func gradientInsideAGradientDisturbsNothing() {
    // The inner pass goes through the outer value's operations with another cotangent.
    let point = [Self.normal(4, 3, seed: 1), Self.normal(2, 3, seed: 2)]
    let plain = valueWithGradient(at: point) {
      affine($0[0], weight: $0[1], activation: .relu).sum()
    }
    let nested = valueWithGradient(at: point) {
      let y = affine($0[0], weight: $0[1], activation: .relu)
      let inner = valueWithGradient(at: Tensor(2, dtype: .float64)) { $0 * y.sum() }
      #expect(inner.gradient.item == y.sum().item)
      return y.sum()
    }
    for (a, b) in zip(plain.gradient, nested.gradient) { expectEqual(a, b) }
  }
}
