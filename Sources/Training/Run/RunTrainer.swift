import Evaluation
import Miners
import Settings

/// What a run trains, a step at a time.
protocol RunTrainer: Checkpointed {
  associatedtype Batch: Sendable

  var isFinished: Bool { get }
  /// Whether the run waited long enough for progress.
  var hasStalled: Bool { get }
  /// Whether each operation of a step is looked at for numbers that are NaN or infinite.
  var detectsAnomalies: Bool { get set }
  /// How many items a step takes, for the speed that is shown.
  var itemsPerStep: Int { get }
  /// What in the recipe does not fit together or to the data, and how the data were read.
  var warnings: [String] { get }
  /// What is told of the run before its first step.
  var startEvents: [RunEvent] { get }
  /// What `environment.json` holds.
  var environment: JSONValue { get }
  /// What the evaluations during the run look at, in words.
  var watchedName: String { get }

  /// Lets what draws batches look at the items, if it does so before this step.
  mutating func prepareStep() throws(Failure)
  /// Whether it does before a step, so that the step's batch cannot be made earlier.
  func looksAtItems(before step: Int) -> Bool
  /// Makes the batch of a step; depends on the recipe, the data and the step alone.
  var makeBatch: @Sendable (_ step: Int) -> Batch { get }
  mutating func takeStep(on batch: Batch) throws(Failure) -> Trainer.StepReport
  /// Judges the present model on what is watched.
  func judgeWatched() throws(Failure) -> Evaluation
  /// The same, and remembers the model if it is the best.
  mutating func watch() throws(Failure) -> Evaluation
}

extension Trainer: RunTrainer {
  var itemsPerStep: Int { recipe.sampler.value.batchSize }
  var environment: JSONValue { environmentValue(of: data) }
  var watchedName: String { data.watchedName }

  var startEvents: [RunEvent] {
    [.started(trainer: self)] + (startReport.map { [.noted($0.text)] } ?? [])
  }

  mutating func prepareStep() throws(Failure) { try updateSampler() }

  func looksAtItems(before step: Int) -> Bool {
    (sampler as? any AdaptiveSampler)?.observes(before: step) ?? false
  }

  var makeBatch: @Sendable (_ step: Int) -> TrainingBatch {
    let maker = batchMaker
    return { maker.batch($0) }
  }

  func judgeWatched() throws(Failure) -> Evaluation {
    try judge(objective.encoder, on: data.watched)
  }
}
