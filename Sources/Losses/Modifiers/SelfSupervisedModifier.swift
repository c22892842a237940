import Autodiff
import Geometry
import Settings

/// Two augmented views of each item as a class of their own; labels are not looked at.
///
/// The first half of a batch are first views and the second half second views, in the same order:
/// a run augments each item of its batches twice. If `symmetric`, both halves are one batch in which
/// row i and row i + n are positives and all others negatives; else first views are compared with
/// second views only, as a reference set. A miner sees these classes too. Costs what the loss costs.
///
/// Default: symmetric. Does not fit losses with class weights.
/// - Reference: Chen et al., *A Simple Framework for Contrastive Learning of Visual
///   Representations* (ICML 2020); pytorch-metric-learning, `SelfSupervisedLoss`.
public struct SelfSupervisedModifier: Modifier {
  public var symmetric = true
  public init() {}

  public static let summary = "two augmented views of each item as a class of their own"
  public static let source =
    "Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020"
  public static let settings = [
    Setting("symmetric", \Self.symmetric, "whether views of one kind are compared too")
  ]

  public var needsTwoViews: Bool { true }
  public var changesLabels: Bool { true }

  public func labels(_ labels: [Int]) -> [Int] {
    labels.indices.map { $0 % max(1, labels.count / 2) }
  }

  public func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput { inner(loss, relabelled(input)) }

  private func relabelled(_ input: LossInput) -> LossInput {
    var result = input
    result.labels = labels(input.labels)
    guard !symmetric else { return result }
    let n = input.labels.count / 2
    let first = Array(0..<n)
    result.embeddings = input.embeddings.rows(at: first)
    result.reference = ReferenceSet(
      embeddings: input.embeddings.rows(at: first.map { $0 + n }), labels: first)
    result.labels = first
    result.tuples = nil
    result.teacher = input.teacher?.rows(at: first)
    return result
  }

  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {
    guard !(loss is any ProxyLoss) else {
      throw Failure(
        .badData, at: place, "the loss has class weights, and views have no classes",
        expected: "a loss over pairs or triplets")
    }
    guard input.labels.count % 2 == 0, input.reference == nil else {
      throw Failure(
        .badData, at: place,
        input.reference == nil
          ? "there are \(input.labels.count) rows" : "there is a reference set",
        expected: "first views and then as many second views, and nothing else")
    }
    try loss.validate(relabelled(input), at: place)
  }
}
