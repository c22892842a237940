import Autodiff
import Data
import Evaluation
import Losses
import Settings

extension TrainedModel {
  /// Adds to an evaluation how many items of classes that were trained on are classified rightly.
  ///
  /// By the first loss that gives class scores; nothing is added without one. An item's class is
  /// known if a class that was trained on has its name.
  public func addingClosedSetAccuracy(
    to evaluation: Evaluation, of items: Dataset, embeddings: Tensor
  ) -> Evaluation {
    let scoring = loss.terms.lazy.compactMap { term in
      (term.loss as? any ClassScoring).map { (term.name, $0) }
    }.first
    guard let (name, loss) = scoring else { return evaluation }
    let numbers = Dictionary(zip(classNames, classNames.indices)) { first, _ in first }
    let truths = items.labels.map { numbers[items.classNames[$0]] }
    let known = truths.indices.filter { truths[$0] != nil }
    var value: Double?
    var reason = "no class of these items is one that was trained on"
    if !known.isEmpty {
      let scores = loss.classScores(embeddings.rows(at: known))
      if scores.shape[1] == classNames.count {
        let found = scores.largestColumns()
        let right = zip(found, known).count { $0 == truths[$1] }
        value = Double(right) / Double(known.count)
      } else {
        reason = "the loss has no weights for the classes"
      }
    }
    return evaluation.adding(
      name: "closed-set-accuracy",
      id: "share of the items of classes trained on that have the largest score of \(name) for "
        + "their class", value: value, reason: value == nil ? reason : "")
  }
}
