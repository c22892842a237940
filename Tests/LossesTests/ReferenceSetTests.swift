import Autodiff
import Losses
import Miners
import Settings
import Testing

/// A batch compared with others than itself.
@Suite struct ReferenceSetTests {
  /// With the batch as its own reference, a row's place excluded, nothing changes but the gradient,
  /// which reaches anchors only.
  @Test(
    arguments: allLosses.filter { $0.value is any PairwiseLoss || $0.value is TripletMarginLoss })
  func theBatchItselfGivesTheSameLoss(_ named: Named<any Loss>) {
    let labels = [0, 0, 0, 1, 1, 2]
    let (loss, input) = batch(named.value, labels, .float64)
    var referred = input
    referred.reference = ReferenceSet(
      embeddings: input.embeddings, labels: labels, places: labels.indices.map { $0 })
    #expect(abs(loss(input).value.item - loss(referred).value.item) < 1e-12)
  }

  @Test func swapAndAReferenceSetAreRefused() {
    var (_, input) = batch(TripletMarginLoss(), [0, 0, 1], .float64)
    input.reference = ReferenceSet(embeddings: input.embeddings, labels: input.labels)
    let loss = TripletMarginLoss(margin: 0.1, swap: true)
    #expect(throws: Failure.self) { try loss.validate(input, at: "") }
  }
}
