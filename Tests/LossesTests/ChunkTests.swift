import Autodiff
import Geometry
import Losses
import Miners
import Settings
import Testing

/// Losses that look at a few rows at a time.
@Suite struct ChunkTests {
  static let byRows = allLosses.filter { $0.value.goesByRows }

  @Test func mostLossesOverPairsGoByRows() {
    let others = RelevanceTests.overPairs.map(\.name).filter { name in
      !Self.byRows.contains { $0.name == name }
    }
    // These need what rows are to other rows than the anchor, or all pairs first.
    #expect(
      others == [
        "angular", "contextual", "dynamic-soft-margin", "focal-info-nce", "histogram",
        "intra-pair-variance",
        "lifted-structure", "margin", "n-pairs", "noise-contrastive", "quadruplet",
      ])
    #expect(!TripletMarginLoss(margin: 0.1, swap: true).goesByRows)
  }

  @Test(arguments: byRows) func chunksChangeRoundingOnly(_ named: Named<any Loss>) throws {
    let labels = (0..<41).map { $0 * $0 % 7 }
    let (loss, plain) = batch(named.value, labels, .float64)
    let (_, others) = batch(named.value, (0..<23).map { $0 % 5 }, .float64)
    let references = [
      nil, ReferenceSet(embeddings: others.embeddings, labels: others.labels),
      ReferenceSet(
        embeddings: plain.embeddings, labels: labels, places: labels.indices.map { $0 }),
    ]
    for reference in references {
      for miner in [nil, MultiSimilarityMiner(), BatchHardMiner()] as [(any Miner)?] {
        var input = plain
        input.reference = reference
        input.tuples = miner?.mine(
          plain.embeddings, labels: labels, reference: reference, random: Random(seed: 0))
        let (value, gradients) = gradients(loss, input)
        for chunk in [1, 7, 16, 40, 41, 100] {
          input.chunk = chunk
          let (chunked, its) = self.gradients(loss, input)
          #expect(abs(value - chunked) <= 1e-12 * max(1, abs(value)))
          for (a, b) in zip(its, gradients) { #expect(largestError(a, b) <= 1e-12) }
        }
      }
    }
  }

  /// The gradients in the embeddings, and in those of the references if they are others.
  private func gradients(_ loss: any Loss, _ input: LossInput) -> (Double, [Tensor]) {
    let (value, gradients) = valueWithGradient(
      at: [input.embeddings] + (input.reference.map { [$0.embeddings] } ?? [])
    ) { point in
      var input = input
      input.embeddings = point[0]
      if point.count > 1 { input.reference?.embeddings = point[1] }
      return loss(input).value
    }
    return (value.item, gradients)
  }
}
