import Autodiff
import Foundation
import Losses
import Settings
import Testing

/// What pytorch-metric-learning gives under its reducers, distances and regularizers.
@Suite struct ModifierGoldenTests {
  @Test func everyRowIsRead() { #expect(LossCase.modified.count >= 140) }

  @Test(arguments: LossCase.modified) func valueAndGradientsMatch(_ row: LossCase) throws {
    var term = try LossTerm(name: row.loss, settings: row.parameters, at: row.id)
    if let weights = row.weights { term.loss.setParameters([matrix(weights)]) }
    let input = LossInput(embeddings: matrix(row.embeddings), labels: row.labels)
    try term.validate(input, at: row.id)
    let (value, gradients) = term.valueWithGradients(input)
    #expect(abs(value - row.value) <= 1e-9 * max(1, abs(row.value)), "\(value) \(row.value)")
    #expect(largestError(gradients[0], matrix(row.gradient)) <= 1e-9)
    if let expected = row.weightGradient {
      #expect(largestError(gradients[1], matrix(expected)) <= 1e-9)
    }
  }
}
