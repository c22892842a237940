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
