import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

@Suite struct CompositeLossTests {
  @Test func addsWeightedTermsEachWithItsMiner() {
    let (_, input) = batch(MultiSimilarityLoss(), [0, 0, 1, 1, 2, 2, 2], .float64)
    let miner = MultiSimilarityMiner()
    let composite = CompositeLoss([
      LossTerm(name: "multi-similarity", loss: MultiSimilarityLoss(), miner: miner),
      LossTerm(
        name: "threshold-consistent-margin", loss: ThresholdConsistentMarginLoss(), weight: 0.5),
    ])
    let output = composite(input.embeddings, labels: input.labels, random: Random(seed: 0))
    var mined = input
    mined.tuples = miner.mine(
      input.embeddings, labels: input.labels, reference: nil, random: Random(seed: 0))
    let first = MultiSimilarityLoss()(mined).value.item
    let second = ThresholdConsistentMarginLoss()(input).value.item
    #expect(abs(output.value.item - (first + 0.5 * second)) < 1e-14)
    #expect(output.terms.map(\.name) == ["multi-similarity", "threshold-consistent-margin"])
    #expect(output.terms.map(\.value) == [first, second])
  }

  @Test func parametersHaveNamesOfTheirOwn() {
    var composite = CompositeLoss([
      LossTerm(name: "proxy-anchor", loss: ProxyAnchorLoss()),
      LossTerm(name: "contrastive", loss: ContrastiveLoss()),
      LossTerm(name: "proxy-anchor", loss: ProxyAnchorLoss()),
    ])
    composite.makeParameters(
      classCount: 3, dimension: 4, dtype: .float32, random: Random(seed: 1))
    #expect(
      composite.parameters.map(\.name) == ["proxy-anchor.proxies", "proxy-anchor-2.proxies"])
    #expect(composite.parameters.map(\.value.shape) == [[3, 4], [3, 4]])
    let values = composite.parameters.map { $0.value.elements(as: Float.self) }
    #expect(values[0] != values[1])
  }

  @Test func theGradientReachesEmbeddingsAndProxies() {
    let labels = [0, 0, 1, 1, 2]
    let (_, input) = batch(ContrastiveLoss(), labels, .float64)
    var composite = CompositeLoss([
      LossTerm(name: "proxy-anchor", loss: ProxyAnchorLoss(), weight: 2),
      LossTerm(name: "contrastive", loss: ContrastiveLoss()),
    ])
    composite.makeParameters(
      classCount: 3, dimension: 6, dtype: .float64, random: Random(seed: 1))
    let (_, gradient) = valueWithGradient(at: composite) {
      $0(input.embeddings, labels: labels, random: Random(seed: 0)).value
    }
    var alone = ProxyAnchorLoss()
    alone.proxies = composite.parameters[0].value
    let expected = alone.valueWithGradients(input).gradients[1].scaled(by: 2)
    #expect(largestError(gradient.parameters[0].value, expected) < 1e-12)
  }
}
