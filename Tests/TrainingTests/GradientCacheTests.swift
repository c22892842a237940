import Autodiff
import Geometry
import Losses
import Miners
import Models
import Settings
import Testing
import Training

@Suite struct GradientCacheTests {
  private func objective(_ random: inout Random) throws -> Objective {
    var mlp = MLP()
    (mlp.hidden, mlp.embedding) = ([9], 5)
    let encoder = try mlp.makeEncoder(inputShape: [6], random: random.split("model"), at: "test")
    var loss = CompositeLoss([
      LossTerm(name: "proxy-anchor", loss: ProxyAnchorLoss()),
      LossTerm(name: "nt-xent", loss: NTXentLoss(), weight: 0.5),
      LossTerm(
        name: "multi-similarity", loss: MultiSimilarityLoss(), miner: MultiSimilarityMiner()),
    ])
    loss.makeParameters(classCount: 4, dimension: 5, dtype: .float64, random: random.split("loss"))
    var objective = Objective(encoder: encoder, loss: loss)
    objective.encoder.updateParameters { $1 = $1.converted(to: .float64) }
    objective.encoder.updateStatistics { $1 = $1.converted(to: .float64) }
    return objective
  }

  @Test(arguments: [1, 4, 7, 30, 31]) func theGradientIsThatOfThePlainStep(chunk: Int) throws {
    var random = Random(seed: 1)
    let objective = try objective(&random)
    let inputs = Tensor(normal: [31, 6], deviation: 1, dtype: .float64, random: &random)
    let labels = (0..<31).map { $0 % 4 }
    func value(_ loss: CompositeLoss, _ embeddings: Tensor) -> Tensor {
      loss(embeddings, labels: labels, random: Random(seed: 2)).value
    }
    let plain = valueWithGradient(at: objective) { objective in
      var pass = Pass(isTraining: true)
      return value(objective.loss, objective.encoder(inputs, in: &pass))
    }
    let cached = cachedValueWithGradient(at: objective, inputs: inputs, chunk: chunk, of: value)
    #expect(abs(plain.value.item - cached.value.item) < 1e-12)
    var greatest = 0.0
    for (a, b) in zip(plain.gradient.parameters, cached.gradient.parameters) {
      #expect(a.name == b.name)
      for (x, y) in zip(a.value.elements(as: Double.self), b.value.elements(as: Double.self)) {
        #expect(abs(x - y) < 1e-9 * max(1, abs(x)), "\(a.name)")
        greatest = max(greatest, abs(x))
      }
    }
    #expect(greatest > 0.01)
  }
}
