import Autodiff
import Models
import Testing

@Suite struct ExplanationTests {
  private func pair(_ shape: [Int]) -> (Tensor, Tensor) {
    var random = Random(seed: 3)
    func one() -> Tensor {
      Tensor(uniform: [1] + shape, bound: 1, dtype: .float32, random: &random)
    }
    return (one(), one())
  }

  private func cosine(_ encoder: Encoder, _ a: Tensor, _ b: Tensor) -> Double {
    let (x, y) = (
      encoder.embed(a).elements(as: Double.self), encoder.embed(b).elements(as: Double.self)
    )
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    return dot(x, y) / (dot(x, x) * dot(y, y)).squareRoot()
  }

  @Test(arguments: ["conv4", "linear", "mlp", "adapter"], [0, 1])
  func contributionsSumToTheSimilarity(_ name: String, _ layer: Int) throws {
    let architecture = try #require(allArchitectures.first { $0.name == name }).value
    let encoder = try architecture.makeEncoder(
      inputShape: [16, 16, 1], random: Random(seed: 1), at: "test")
    let (a, b) = pair([16, 16, 1])
    let found = encoder.explain(a, b, layer: layer)
    #expect(abs(found.similarity - cosine(encoder, a, b)) < 1e-5)
    let count = found.positions.reduce(1, *)
    var sum = 0.0
    for i in 0..<count { for j in 0..<count { sum += found.contribution(i, j) } }
    #expect(abs(sum - found.similarity) < 1e-6 && abs(found.remainder) < 1e-6)
    #expect(abs(found.ofFirst.reduce(0, +) - found.similarity) < 1e-6)
    #expect(abs(found.ofSecond.reduce(0, +) - found.similarity) < 1e-6)
    let row = (0..<count).reduce(0) { $0 + found.contribution(1, $1) }
    #expect(abs(found.ofFirst[1] - row) < 1e-9)
  }

  /// For a linear map without a bias the parts are known: (W x)ᵢ-wise products.
  @Test func aLinearMapIsExplainedByItsWeights() throws {
    var linear = Linear()
    (linear.embedding, linear.bias) = (5, false)
    var encoder = try linear.makeEncoder(inputShape: [4], random: Random(seed: 2), at: "test")
    var weight: [Double] = []
    encoder.updateParameters { _, tensor in weight = tensor.elements(as: Double.self) }
    let (a, b) = pair([4])
    let (x, y) = (a.elements(as: Double.self), b.elements(as: Double.self))
    let found = encoder.explain(a, b)
    var dots = [Double](repeating: 0, count: 16)
    for i in 0..<4 {
      for j in 0..<4 {
        for m in 0..<5 { dots[i * 4 + j] += weight[m * 4 + i] * x[i] * weight[m * 4 + j] * y[j] }
      }
    }
    let factor = found.similarity / dots.reduce(0, +)
    for i in 0..<4 {
      for j in 0..<4 { #expect(abs(found.contribution(i, j) - dots[i * 4 + j] * factor) < 1e-6) }
    }
  }
}
