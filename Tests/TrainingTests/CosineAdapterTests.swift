import Autodiff
import Foundation
import Testing
import Training

@Suite struct CosineAdapterTests {
  /// Queries of two kinds that need different thresholds: 0.3 where the first number is positive, else 0.7.
  private func pairs(_ count: Int) -> (queries: Tensor, similarities: [Double], matches: [Bool]) {
    var random = Random(seed: 5)
    var (queries, similarities, matches) = ([Float](), [Double](), [Bool]())
    for _ in 0..<count {
      let kind: Float = random.uniform() < 0.5 ? 1 : -1
      queries += [kind, Float(random.normal()), Float(random.normal())]
      similarities.append(random.uniform())
      matches.append(similarities[similarities.count - 1] > (kind > 0 ? 0.3 : 0.7))
    }
    return (Tensor(queries, shape: [count, 3]), similarities, matches)
  }

  @Test func oneThresholdSuitsAllQueries() throws {
    let (queries, similarities, matches) = pairs(400)
    var random = Random(seed: 1)
    var adapter = CosineAdapter(width: 3, random: &random)
    try adapter.fit(queries: queries, similarities: similarities, matches: matches)
    let scores = adapter.scores(queries: queries, similarities: similarities)
      .elements(as: Double.self)
    func accuracy(_ scores: [Double]) throws -> Double {
      let threshold = try #require(
        CosineAdapter.threshold(scores, matches: matches, recall: 0.95))
      let right = zip(scores, matches).count { ($0 >= threshold) == $1 }
      return Double(right) / Double(matches.count)
    }
    #expect(try accuracy(similarities) < 0.85)
    #expect(try accuracy(scores) > 0.93)
    // The order within a query stays.
    let one = Tensor([Float](repeating: 0.3, count: 3 * 50), shape: [50, 3])
    let rising = adapter.scores(queries: one, similarities: (0..<50).map { Double($0) / 25 - 1 })
      .elements(as: Double.self)
    #expect(zip(rising, rising.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(throws: (any Error).self) {
      try adapter.fit(
        queries: one, similarities: [Double](repeating: 0, count: 50),
        matches: [Bool](repeating: true, count: 50))
    }
  }

  @Test func theGradientIsThatOfFiniteDifferences() {
    let (queries, similarities, matches) = pairs(6)
    let x = queries.converted(to: .float64)
    var random = Random(seed: 2)
    var adapter = CosineAdapter(width: 3, random: &random)
    adapter.updateParameters { $1 = $1.converted(to: .float64) }
    func loss(_ adapter: CosineAdapter) -> Tensor {
      adapter.loss(queries: x, similarities: similarities, matches: matches)
    }
    let gradients = valueWithGradient(at: adapter, of: loss).gradient.parameters
    for (index, gradient) in gradients.enumerated() {
      let slopes = gradient.value.elements(as: Double.self)
      for place in slopes.indices {
        func moved(_ by: Double) -> Double {
          var copy = adapter
          var i = 0
          copy.updateParameters { _, tensor in
            if i == index {
              var values = tensor.elements(as: Double.self)
              values[place] += by
              tensor = Tensor(values, shape: tensor.shape)
            }
            i += 1
          }
          return loss(copy).item
        }
        #expect(abs((moved(1e-5) - moved(-1e-5)) / 2e-5 - slopes[place]) < 1e-7)
      }
    }
  }
}
