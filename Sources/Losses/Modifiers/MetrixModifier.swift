import Autodiff
import Geometry
import Settings

/// The loss again with mixed embeddings of two classes as examples, whose labels are mixed too.
///
/// With λ drawn from Beta(2, 2) once a batch, and x' a row of another class drawn for each row x:
///
///     v = λ x + (1 - λ) x'
///     L(batch) + w (λ L(batch against v of x's class) + (1 - λ) L(batch against v of x'^s class))
///
/// Thus an anchor of x's class meets v as λ positive and 1 - λ negative, as published for pairs of a
/// positive and a negative, or of the anchor itself and a negative. A loss with class weights meets v
/// as a row of the batch instead. Mixed rows are not scaled to length 1 but by the loss's own
/// distance; gradients flow through both rows and the anchor. λ = 1 gives clean positives. The form
/// around any loss is ours: the publication has it for contrastive, multi-similarity and
/// proxy-anchor. A batch of one class is not mixed. Costs three times what the loss costs.
///
/// Default: w = 0.4.
/// - Reference: Venkataramanan et al., *It Takes Two to Tango: Mixup for Deep Metric Learning* (ICLR
///   2022); reconstructed from a summary and the code.
public struct MetrixModifier: Modifier {
  public var weight = 0.4
  public init() {}

  public var changesLabels: Bool { true }

  public static let summary = "the loss again with mixed embeddings of two classes as examples"
  public static let source =
    "Venkataramanan et al., It Takes Two to Tango: Mixup for Deep Metric Learning, ICLR 2022"
  public static let settings = [
    Setting("weight", \Self.weight, "how much the mixed examples count", in: 0...1e6)
  ]

  public func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput {
    var output = inner(loss, input)
    guard let mixed = mixed(loss, input) else { return output }
    for (share, part) in mixed {
      output.value = output.value + inner(loss, part).value.scaled(by: weight * share)
    }
    return output
  }

  /// The two inputs with mixed rows, each with its share; nil for one class.
  private func mixed(_ loss: any Loss, _ input: LossInput) -> [(share: Double, LossInput)]? {
    var random = input.random.split("metrix")
    // The middle one of three uniform numbers has the distribution Beta(2, 2).
    let share = [random.uniform(), random.uniform(), random.uniform()].sorted()[1]
    let labels = input.labels
    guard Set(labels).count > 1 else { return nil }
    let partners = labels.map { label in
      var j = random.below(labels.count)
      while labels[j] == label { j = random.below(labels.count) }
      return j
    }
    let rows =
      input.embeddings.scaled(by: share) + input.embeddings.rows(at: partners).scaled(by: 1 - share)
    return [(share, labels), (1 - share, partners.map { labels[$0] })].map { share, labels in
      var part = input
      part.tuples = nil
      if loss is any ProxyLoss {
        (part.embeddings, part.labels) = (rows, labels)
      } else {
        part.reference = ReferenceSet(embeddings: rows, labels: labels)
      }
      return (share, part)
    }
  }

  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {
    guard !(loss is any ProxyLoss) else { return }
    var part = input
    part.tuples = nil
    part.reference = ReferenceSet(embeddings: input.embeddings, labels: input.labels)
    try loss.validate(part, at: place)
  }
}
