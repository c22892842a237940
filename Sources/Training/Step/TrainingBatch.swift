import Autodiff
import Data
import Geometry
import Losses
import Miners
import Settings

/// The items of one step, drawn and augmented.
struct TrainingBatch: Sendable {
  /// The step that the batch belongs to, from 0.
  let step: Int
  /// [items] + the shape of an item.
  let inputs: Tensor
  /// The same items augmented again, if a memory asks for it.
  let secondView: Tensor?
  let labels: [Int]
  /// The place of each item in the data set.
  let items: [Int]
}

/// The batches of a run in order; the next one is made on another thread during a step.
///
/// A batch depends on the recipe, the data and the step's number alone, so it is the same bits
/// whenever it is made.
struct BatchQueue {
  private var next: Pending<TrainingBatch>?
  private var nextStep = -1
  /// How long steps waited for their batches.
  private(set) var waited = Duration.zero

  /// The batch of the trainer's next step; starts on the one after it.
  mutating func take(for trainer: inout Trainer) throws(Failure) -> TrainingBatch {
    let step = trainer.step
    let start = ContinuousClock.now
    try trainer.updateSampler()
    let maker = trainer.batchMaker
    let batch = (nextStep == step ? next?.take() : nil) ?? maker.batch(step)
    waited += ContinuousClock.now - start
    next = nil
    // A sampler that looks at the items before the next step has to wait for the end of this one.
    let observes =
      (trainer.sampler as? any AdaptiveSampler)?.observes(before: step + 1) ?? false
    if step + 1 < trainer.recipe.training.steps, !observes {
      next = Pending { maker.batch(step + 1) }
      nextStep = step + 1
    }
    return batch
  }
}

/// What a batch depends on, without the model.
struct BatchMaker: Sendable {
  let recipe: Recipe
  let sampler: any Sampler
  let train: Dataset
  let random: Random

  /// With losses that need two views, each item is there twice: all first views, then all second.
  func batch(_ step: Int) -> TrainingBatch {
    var items = sampler.batch(
      step, of: train.labels, random: random.split("sampler"))
    if recipe.needsTwoViews { items += items }
    let inputs = train.batch(
      items, augmentation: recipe.augmentation?.value,
      random: random.split("augmentation").split(UInt64(step)))
    let needsView = recipe.losses.contains { $0.memory?.keys == .secondView }
    let secondView =
      needsView
      ? train.batch(
        items, augmentation: recipe.augmentation?.value,
        random: random.split("second view").split(UInt64(step))) : nil
    return TrainingBatch(
      step: step, inputs: inputs, secondView: secondView, labels: items.map { train.labels[$0] },
      items: items)
  }
}
