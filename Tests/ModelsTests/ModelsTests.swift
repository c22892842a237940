import Autodiff
import Models
import Settings
import Testing

@Suite struct EveryLayer {
  @Test(arguments: layerGradientChecks.map(\.name))
  func gradientFitsFiniteDifferences(name: String) throws {
    let row = try #require(layerGradientChecks.first { $0.name == name })
    let outcome = row.run()
    #expect(outcome.passes, "\(outcome)")
    #expect(outcome.derivative != 0)
  }

  @Test func everyArchitectureHasARow() {
    for named in allArchitectures {
      #expect(layerGradientChecks.contains { $0.name == "model \(named.name)" })
    }
  }
}

@Suite struct EveryArchitecture {
  @Test(arguments: allArchitectures.map(\.name))
  func embeddingsHaveUnitLengthByDefault(name: String) throws {
    let architecture: any Architecture = try allArchitectures.named(name, kind: "model", at: "test")
    let encoder = try architecture.makeEncoder(
      inputShape: [16, 16, 1], random: Random(seed: 1), at: "test")
    var random = Random(seed: 2)
    let input = Tensor(normal: [3, 16, 16, 1], deviation: 1, dtype: .float32, random: &random)
    let output = encoder.embed(input)
    #expect(output.shape == [3, encoder.embeddingSize])
    for row in output.rowsOfDoubles {
      #expect(abs(row.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
    }
  }

  @Test func parametersDependOnTheSeedAlone() throws {
    let make = { seed in
      try Conv4().makeEncoder(inputShape: [28, 28, 1], random: Random(seed: seed), at: "test")
        .parameters.map { $0.value.elements(as: Float.self) }
    }
    #expect(try make(3) == make(3))
    #expect(try make(3) != make(4))
  }

  @Test func adapterStartsAsTheIdentity() throws {
    let encoder = try Adapter().setting(["normalize": false], at: "test").makeEncoder(
      inputShape: [6], random: Random(seed: 1), at: "test")
    var random = Random(seed: 2)
    let input = Tensor(normal: [4, 6], deviation: 1, dtype: .float32, random: &random)
    #expect(encoder.embed(input).elements(as: Float.self) == input.elements(as: Float.self))
  }

  /// 28×28 images are embedded in groups of 20; the last group is smaller.
  @Test(arguments: [0, 1, 20, 47])
  func imagesInGroupsGiveWhatOnePassGives(count: Int) throws {
    var encoder = try Conv4().makeEncoder(
      inputShape: [28, 28, 1], random: Random(seed: 1), at: "test")
    var random = Random(seed: 2)
    let input = Tensor(normal: [count, 28, 28, 1], deviation: 1, dtype: .float32, random: &random)
    // Statistics other than those that a new encoder starts with.
    let batch = Tensor(normal: [9, 28, 28, 1], deviation: 2, dtype: .float32, random: &random)
    var training = Pass(isTraining: true)
    _ = encoder(batch, in: &training)
    encoder.absorb(training)
    var pass = Pass(isTraining: false)
    let expected = encoder(input, in: &pass).elements(as: Float.self)
    let found = encoder.embed(input)
    #expect(found.shape == [count, encoder.embeddingSize])
    for (a, b) in zip(found.elements(as: Float.self), expected) { #expect(abs(a - b) <= 1e-6) }
  }

  @Test func inputsThatDoNotFitAreRefused() {
    #expect(throws: Failure.self) {
      try Conv4().makeEncoder(inputShape: [784], random: Random(seed: 0), at: "test")
    }
    #expect(throws: Failure.self) {
      try Conv4().makeEncoder(inputShape: [15, 28, 1], random: Random(seed: 0), at: "test")
    }
  }

  @Test func runningStatisticsFollowTheBatches() throws {
    var random = Random(seed: 4)
    var block = ConvolutionBlock(inputs: 1, outputs: 2, random: &random)
    let input = Tensor(normal: [8, 6, 6, 1], deviation: 2, dtype: .float32, random: &random)
    for _ in 0..<200 {
      var pass = Pass(isTraining: true)
      _ = block(input, in: &pass)
      block.absorb(pass)
    }
    // Having seen the same batch again and again, inference does what training did, but for the
    // unbiased variance.
    var training = Pass(isTraining: true)
    var inference = Pass(isTraining: false)
    let a = block(input, in: &training).elements(as: Double.self)
    let b = block(input, in: &inference).elements(as: Double.self)
    #expect(inference.observed.isEmpty)
    for (x, y) in zip(a, b) { #expect(abs(x - y) < 0.01 * max(1, abs(x))) }
  }
}

@Suite struct Optimizers {
  /// Two steps by hand in float64, as PyTorch defines them.
  @Test func adamWTakesTheStepsOfItsFormula() throws {
    var rule = AdamW()
    (rule.learningRate, rule.weightDecay) = (0.1, 0.5)
    var point = Tensor([1.0, -2.0], shape: [2])
    var optimizer = Optimizer(rule, for: point)
    let gradients = [[0.5, -1.0], [0.25, 2.0]]
    var expected = [1.0, -2.0]
    var (m, v) = ([0.0, 0.0], [0.0, 0.0])
    for (t, gradient) in gradients.enumerated() {
      optimizer.update(&point, along: Tensor(gradient, shape: [2]))
      for i in 0..<2 {
        expected[i] *= 1 - 0.1 * 0.5
        m[i] = 0.9 * m[i] + 0.1 * gradient[i]
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i]
        let step = Double(t + 1)
        let (first, second) = (m[i] / (1 - power(0.9, step)), v[i] / (1 - power(0.999, step)))
        expected[i] -= 0.1 * first / (second.squareRoot() + 1e-8)
      }
    }
    for (x, y) in zip(point.elements(as: Double.self), expected) { #expect(abs(x - y) < 1e-12) }
  }

  @Test(arguments: [false, true])
  func momentumAddsUp(nesterov: Bool) throws {
    var rule = SGD()
    (rule.learningRate, rule.momentum, rule.nesterov, rule.weightDecay) = (0.1, 0.5, nesterov, 0.2)
    var point = Tensor([1.0], shape: [1])
    var optimizer = Optimizer(rule, for: point)
    var (expected, velocity) = (1.0, 0.0)
    for gradient in [1.0, -0.5, 2.0] {
      optimizer.update(&point, along: Tensor([gradient], shape: [1]))
      let g = gradient + 0.2 * expected
      velocity = 0.5 * velocity + g
      expected -= 0.1 * (nesterov ? g + 0.5 * velocity : velocity)
    }
    #expect(abs(point.item - expected) < 1e-12)
  }

  @Test func lossParametersHaveTheirOwnRate() {
    struct Pair: Parameterized {
      var model = Tensor([1.0], shape: [1])
      var loss = Tensor([1.0], shape: [1])
      mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
        try body("model", &model)
        try body("loss", &loss)
      }
    }
    var rule = SGD()
    (rule.learningRate, rule.lossLearningRate) = (0.1, 0.5)
    var pair = Pair()
    var optimizer = Optimizer(rule, for: pair) { $0 == "loss" }
    let ones = Pair()
    optimizer.update(&pair, along: ones)
    #expect(abs(pair.model.item - 0.9) < 1e-12)
    #expect(abs(pair.loss.item - 0.5) < 1e-12)
  }

  @Test func clippingKeepsTheDirection() {
    var gradient = Tensor([3.0, 4.0], shape: [2])
    gradient.clip(toNorm: 1)
    #expect(abs(gradient.norm - 1) < 1e-12)
    #expect(abs(gradient.elements(as: Double.self)[0] - 0.6) < 1e-12)
    gradient.clip(toNorm: 2)
    #expect(abs(gradient.norm - 1) < 1e-12)
  }

  @Test func schedulesRiseAndFall() {
    var cosine = CosineSchedule()
    #expect(cosine.factor(step: 0, of: 100) == 1)
    #expect(abs(cosine.factor(step: 50, of: 100) - 0.5) < 1e-12)
    #expect(cosine.factor(step: 99, of: 100) < 0.01)
    cosine.warmup = 10
    #expect(abs(cosine.factor(step: 0, of: 100) - 1 / 11) < 1e-12)
    #expect(cosine.factor(step: 10, of: 100) == 1)
    let step = StepSchedule()
    #expect(
      [0, 33, 34, 66, 67, 99].map { step.factor(step: $0, of: 100) }.map { round3($0) }
        == [1, 1, 0.1, 0.1, 0.01, 0.01])
    #expect(ConstantSchedule().factor(step: 70, of: 100) == 1)
  }
}

private func power(_ base: Double, _ exponent: Double) -> Double {
  (0..<Int(exponent)).reduce(1.0) { product, _ in product * base }
}

private func round3(_ x: Double) -> Double { (x * 1000).rounded() / 1000 }

extension Tensor {
  /// The rows of a matrix.
  fileprivate var rowsOfDoubles: [[Double]] {
    let values = elements(as: Double.self)
    return (0..<shape[0]).map { Array(values[$0 * shape[1]..<($0 + 1) * shape[1]]) }
  }
}
