import Autodiff
import Foundation
import Losses
import Settings
import Testing

/// The running histogram against pytorch-metric-learning's, over three steps.
@Suite struct DynamicSoftMarginLossTests {
  @Test func threeStepsMatchThePeer() throws {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/modifiers", withExtension: "json"))
    let text = try String(contentsOf: url, encoding: .utf8)
    let all = try #require(JSONValue(json5: text, at: "modifiers")["dynamicSteps"])
    guard case .array(let steps)? = all["steps"], let labels = all["labels"]?.numbers else {
      Issue.record("there are no steps")
      return
    }
    #expect(steps.count == 3)
    var loss = DynamicSoftMarginLoss()
    loss.momentum = 0.3
    loss.makeParameters(
      classCount: 4, dimension: 5, dtype: .float64, random: Random(seed: 0))
    for step in steps {
      let embeddings = matrix(try #require(step["embeddings"]?.rows))
      let output = loss(LossInput(embeddings: embeddings, labels: labels.map { Int($0) }))
      guard case .number(let value)? = step["value"] else { continue }
      #expect(abs(output.value.item - value) <= 1e-12)
      loss.take(output.state)
      var histogram: [Double] = []
      loss.updateState { _, tensor in histogram = tensor.elements(as: Double.self) }
      let expected = try #require(step["histogram"]?.numbers)
      #expect(zip(histogram, expected).allSatisfy { abs($0 - $1) <= 1e-12 })
    }
  }

  @Test func withoutTripletsTheHistogramStays() {
    let (loss, input) = batch(DynamicSoftMarginLoss(), [0, 1, 2, 3], .float64)
    let output = loss(input)
    #expect(output.value.item == 0 && output.state.isEmpty)
  }
}
