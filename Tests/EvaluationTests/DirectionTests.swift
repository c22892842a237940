import Autodiff
import Evaluation
import Testing

@Suite struct DirectionTests {
  @Test func tightClassesAreBetterThanNoiseByEveryMetric() throws {
    var random = Random(seed: 3)
    let labels = (0..<60).map { $0 / 6 }
    let centres = Tensor(normal: [10, 8], deviation: 1, dtype: .float64, random: &random)
      .elements(as: Double.self)
    func set(noise: Double) -> EmbeddingSet {
      var values: [Double] = []
      for label in labels {
        for i in 0..<8 {
          values.append(centres[label * 8 + i] * (1 - noise) + noise * random.normal())
        }
      }
      return EmbeddingSet(embeddings: Tensor(values, shape: [60, 8]), labels: labels)
    }
    let good = try evaluate(query: set(noise: 0.2))
    let bad = try evaluate(query: set(noise: 0.8))
    for metric in allMetrics where metric.value.group != .space {
      guard let better = good[metric.name], let worse = bad[metric.name], better != worse else {
        continue
      }
      #expect(metric.value.isReached(worse, by: better), "\(metric.name)")
      #expect(!metric.value.isReached(better, by: worse), "\(metric.name)")
    }
    #expect(allMetrics.first { $0.name == "eer" }?.value.isReached(0.1, by: 0.05) == true)
  }
}
