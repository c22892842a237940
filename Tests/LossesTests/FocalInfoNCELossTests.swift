import Autodiff
import Foundation
import Losses
import Testing

@Suite struct FocalInfoNCELossTests {
  /// The formula by loops, with a mixture of the two hardest negatives.
  @Test func aListOfTheHardestIsMixedIn() {
    var random = Random(seed: 2)
    let labels = [0, 0, 1, 1, 2, 2, 2]
    let x = Tensor(normal: [7, 4], deviation: 1, dtype: .float64, random: &random)
      .normalizedRows()
    let rows = x.elements(as: Double.self)
    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    let unit = (0..<7).map { Array(rows[$0 * 4..<$0 * 4 + 4]) }
    var terms: [Double] = []
    for a in 0..<7 {
      let negatives = (0..<7).filter { labels[$0] != labels[a] }
        .sorted { dot(unit[a], unit[$0]) > dot(unit[a], unit[$1]) }
      let (first, second) = (unit[negatives[0]], unit[negatives[1]])
      let share = exp((dot(unit[a], second) - dot(unit[a], first)) / 0.05)
      let mixture = zip(first, second).map { $0 + share * $1 }
      let mixed = dot(unit[a], mixture) / dot(mixture, mixture).squareRoot()
      let others =
        negatives.reduce(0) { $0 + exp(dot(unit[a], unit[$1]) / 0.05) } + exp(mixed / 0.05)
      for p in 0..<7 where p != a && labels[p] == labels[a] {
        let own = exp(dot(unit[a], unit[p]) / 0.05)
        let probability = own / (own + others)
        terms.append(pow(1 - probability, 0.5) * -log(probability))
      }
    }
    var loss = FocalInfoNCELoss()
    loss.hardest = 2
    let value = loss(LossInput(embeddings: x, labels: labels)).value.item
    #expect(abs(value - terms.reduce(0, +) / Double(terms.count)) < 1e-10)
  }

  @Test func withoutItsPartsItIsNTXent() {
    var random = Random(seed: 3)
    let x = Tensor(normal: [12, 5], deviation: 1, dtype: .float64, random: &random)
    let input = LossInput(embeddings: x, labels: (0..<12).map { $0 % 4 })
    var loss = FocalInfoNCELoss()
    (loss.gamma, loss.mixing) = (0, .none)
    let plain = NTXentLoss(temperature: 0.05)(input).value.item
    #expect(abs(loss(input).value.item - plain) < 1e-12)
    loss.mixing = .pair
    #expect(loss(input).value.item > plain)
  }
}
