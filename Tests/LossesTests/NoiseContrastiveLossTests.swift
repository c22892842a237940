import Autodiff
import Foundation
import Settings
import Testing

import Losses

@Suite struct NoiseContrastiveLossTests {
  /// What is drawn for each anchor has the mean of all negatives, as often as it is drawn; the
  /// positives keep their share. Written out naively.
  @Test func drawnNoiseHasTheMeanOfAllNegatives() throws {
    var random = Random(seed: 3)
    let (rows, width, noise) = (12, 5, 6)
    let embeddings = Tensor((0..<rows * width).map { _ in random.normal() }, shape: [rows, width])
    let labels = (0..<rows).map { $0 % 3 }
    var loss = NoiseContrastiveLoss()
    (loss.temperature, loss.noise) = (0.5, noise)
    var input = LossInput(embeddings: embeddings, labels: labels)

    let unit = embeddings.withUnitRows()
    let cosines = unit.timesTransposed(unit).elements(as: Double.self)
    func pairs(_ isPositive: Bool, of i: Int) -> [Double] {
      (0..<rows).filter { $0 != i && (labels[$0] == labels[i]) == isPositive }
        .map { cosines[i * rows + $0] / 0.5 }
    }
    func exponential(_ x: Double) -> Double { Foundation.exp(x) }
    func logarithm(_ x: Double) -> Double { Foundation.log(x) }
    let all = (0..<rows).flatMap { pairs(true, of: $0) + pairs(false, of: $0) }
    let mean = all.map(exponential).reduce(0, +) / Double(all.count)
    let shift = logarithm(Double(noise)) + logarithm(mean)
    var expected = 0.0
    for i in 0..<rows {
      let (near, far) = (pairs(true, of: i), pairs(false, of: i))
      let own = near.map { logarithm(1 + exponential(shift - $0)) }.reduce(0, +)
      let others = far.map { logarithm(1 + exponential($0 - shift)) }.reduce(0, +)
      expected += own / Double(near.count) + Double(noise) * others / Double(far.count)
    }
    expected /= Double(rows)

    var values: [Double] = []
    for seed in 0..<400 {
      input.random = Random(seed: UInt64(seed))
      values.append(loss(input).value.item)
    }
    #expect(loss(input).value.item == values.last)
    #expect(Set(values).count > 300)
    #expect(abs(values.reduce(0, +) / 400 - expected) < 0.01 * expected)
  }

  /// More noise than there are negatives is drawn with replacement; without negatives there is none.
  @Test func fewNegativesAreDrawnAgain() {
    var loss = NoiseContrastiveLoss()
    loss.noise = 5000
    let embeddings = Tensor([1.0, 0, 0, 1, 1, 1], shape: [3, 2])
    #expect(loss(LossInput(embeddings: embeddings, labels: [0, 0, 1])).value.item.isFinite)
    #expect(loss(LossInput(embeddings: embeddings, labels: [0, 0, 0])).value.item == 0)
  }
}
