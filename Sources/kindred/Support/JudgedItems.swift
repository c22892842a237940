import Autodiff
import Data
import Evaluation
import Foundation
import Settings
import Training

/// The options that choose what a run is judged on.
let judgedItemsOptions: [Subcommand.Option] = [
  .init("--data", "NAME", "another data set to judge the run on; see kindred list datasets"),
  .init("--data-params", "JSON5", "settings of that data set"),
]

/// The items that a run is judged on: its test classes, or those of `--data`.
func judgedItems(
  of model: TrainedModel, run: String, _ arguments: Arguments
) throws(Failure) -> Dataset {
  var source: any DataSource = model.recipe.data.value
  if let name = arguments.value("--data") {
    let registered: any DataSource = try allDatasets.named(
      name, kind: "data set", at: "--data", mistake: .badUsage)
    source = try configured(
      registered, try arguments.settings("--data-params"), at: "--data-params")
  } else if arguments.has("--data-params") {
    throw Failure(.badUsage, at: "--data-params", "there is no --data")
  }
  let items = try source.load(
    root: dataRoot(environment: ProcessInfo.processInfo.environment)
  ).test
  try model.check(items.itemShape, at: arguments.value("--data") ?? run)
  return items
}

/// The items that a run was trained on.
func trainingItems(of model: TrainedModel, at run: String) throws(Failure) -> Dataset {
  let items = try TrainingData(
    model.recipe, root: dataRoot(environment: ProcessInfo.processInfo.environment)
  ).train
  try model.check(items.itemShape, at: run)
  return items
}

extension TrainedModel {
  /// The embeddings of some items with their classes, showing how far it is.
  func embeddingSet(of items: Dataset, isQuiet: Bool) throws(Failure) -> EmbeddingSet {
    let progress = ProgressLine(isQuiet: isQuiet)
    defer { progress.finish() }
    let embeddings = try Training.embed(items, with: encoder) { done in
      progress.show("embedding \(done)/\(items.count)", done: done, of: items.count)
    }
    return EmbeddingSet(embeddings: embeddings, labels: items.labels, name: items.name)
  }
}
