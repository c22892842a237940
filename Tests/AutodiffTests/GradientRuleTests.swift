import Autodiff
import Testing

/// What the table of gradient checks cannot hold: the rules at ties and at rows without length.
@Suite struct GradientRuleTests {
  @Test func firstOfEqualPixelsHasTheGradient() {
    let x = Tensor([1.0, 1, 1, 1], shape: [1, 2, 2, 1])
    let (_, gradient) = valueWithGradient(at: x) { maxPool2x2($0).sum() }
    #expect(gradient.elements(as: Double.self) == [1, 0, 0, 0])
  }

  @Test func rowsWithoutDirectionHaveNoGradient() {
    let x = Tensor([0.0, 0, 3, 4, 1e-13, 0], shape: [3, 2])
    let y: [Double] = x.normalizedRows().elements()
    #expect(y[..<2] == [0, 0] && abs(y[2] - 0.6) < 1e-15 && abs(y[3] - 0.8) < 1e-15)
    let (_, gradient) = valueWithGradient(at: x) {
      ($0.normalizedRows() * Tensor([1.0, 1, 1, 0, 1, 1], shape: [3, 2])).sum()
    }
    let found: [Double] = gradient.elements()
    #expect(found[..<2] == [0, 0] && found[4...] == [0, 0])
    #expect(abs(found[2] - 0.128) < 1e-12 && abs(found[3] + 0.096) < 1e-12)
  }

  @Test func normalizationUsesTheStatisticsOfTheBatch() {
    var random = Random(seed: 5)
    let x = Tensor(normal: [40, 3], deviation: 2, dtype: .float64, random: &random)
    let one = Tensor(repeating: 1, shape: [3], dtype: .float64)
    let zero = Tensor(zeros: [3], dtype: .float64)
    let (y, mean, variance) = batchNormalization(x, scale: one, shift: zero, epsilon: 0)
    let again = normalization(
      x, mean: mean, variance: variance, scale: one, shift: zero, epsilon: 0)
    #expect(y.elements(as: Double.self) == again.elements())
    for value in y.sumOverRows().elements(as: Double.self) { #expect(abs(value) < 1e-12) }
    for value in (y * y).sumOverRows().elements(as: Double.self) {
      #expect(abs(value - 40) < 1e-10)
    }
  }

  /// A factor that waits reaches every leaf once, whether the pullbacks between take it or not.
  @Test func factorsOfCotangentsReachEveryLeaf() {
    let (x, w) = (normal(4, 3), normal(3, 5, seed: 2))
    let times = { (x: Tensor, factor: Double) in
      x.recorded("times", x.scaledEdge { Cotangent($0.tensor, times: factor * $0.factor) })
    }
    let (_, plain) = valueWithGradient(at: [x, w]) {
      (relu($0[0].times($0[1])) + $0[0].times($0[1])).sum()
    }
    let (_, scaled) = valueWithGradient(at: [x, w]) { point in
      // Pullbacks that pass a factor on, one that does not, and a sum of two with other factors.
      let product = times(point[0], 0.5).times(times(point[1], 0.25))
      return (times(relu(times(product, 2)), 3) + times(product, 6)).sum()
    }
    #expect(difference(scaled[0], plain[0].scaled(by: 3)) < 1e-12)
    #expect(difference(scaled[1], plain[1].scaled(by: 1.5)) < 1e-12)
    let (_, leaf) = valueWithGradient(at: x) { times($0, 7).sum() }
    #expect(leaf.elements(as: Double.self) == Array(repeating: 7, count: 12))
  }
}
