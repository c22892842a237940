import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Index
import Models
import Settings

/// What a finished run has to show, on the items that are judged on.
public struct RunResult: Sendable {
  /// The untrained input as its own embedding, and the trained embedding.
  public let baseline, trained: Evaluation
  /// The step that the kept model is from, and how many steps were taken.
  public let keptStep, steps: Int
  /// The classes on which the kept model was chosen; nil for the last one, which was not chosen.
  public let chosenOn: String?
  /// How the classes that were judged on relate to those trained on.
  public let overlap: ClassOverlap
  public let recipe: Recipe

  /// Whether the trained embedding beats the raw input in MAP@R.
  public var beatsBaseline: Bool {
    (trained["map@r"] ?? 0) > (baseline["map@r"] ?? 0)
  }

  /// The targets of the recipe that were missed; each metric's definition says which way is better.
  public var missedTargets: [(metric: String, target: Double, reached: Double)] {
    recipe.targets.sorted { $0.key < $1.key }.compactMap { metric, target in
      let reached = trained[metric] ?? .nan
      let description = allMetrics.first { $0.name == metric }?.value
      let isReached = description?.isReached(target, by: reached) ?? false
      return isReached ? nil : (metric, target, reached)
    }
  }

  public var json: JSONValue {
    [
      "baseline": baseline.json,
      "trained": trained.json,
      "steps": JSONValue(steps),
      "keptStep": JSONValue(keptStep),
      "chosenOn": chosenOn.map { .string($0) } ?? .null,
      "beatsBaseline": .bool(beatsBaseline),
      "classOverlap": overlap.json,
      "targets": .object(recipe.targets.mapValues { .number($0) }),
      "targetsReached": .bool(missedTargets.isEmpty),
    ]
  }
}

/// What happens in a run, for whoever shows it.
public enum RunEvent: Sendable {
  case started(trainer: Trainer)
  case stepped(Trainer.StepReport, imagesPerSecond: Double)
  case evaluated(step: Int, Evaluation, watched: String)
  case stopped(reason: String)
  /// The map of the report is drawn, after everything else was written.
  case reporting(done: Int, of: Int)
  /// Something worth knowing that is not wrong, such as what became of given weights.
  case noted(String)
  /// Something is likely wrong with the recipe or the run.
  case warned(String)
  /// The steps of this process are over: how long they waited for their batches, and how long they
  /// took with evaluations and checkpoints.
  case stepsEnded(waited: Double, seconds: Double)
}

/// Trains by a recipe into a run folder.
///
/// - Parameters:
///   - resuming: go on with the run that lies in the folder, bit for bit; from the first step if it
///     ended before its first checkpoint.
///   - onEvent: called on the way; a true result asks the run to stop after a checkpoint.
/// - Returns: what the run has to show; nil when it was asked to stop.
public func train(
  _ recipe: Recipe, into folder: RunFolder, dataRoot: String, resuming: Bool,
  onEvent: (RunEvent) -> Bool
) throws(Failure) -> RunResult? {
  let hasCheckpoint = FileSystem.exists(folder.checkpoint)
  if !resuming {
    try folder.checkIsFree()
  } else if !hasCheckpoint, try !folder.isOnlyBegun() {
    throw Failure(
      .noInput, at: folder.checkpoint, "there is no checkpoint to go on from",
      remedy: "train without --resume")
  }
  var trainer = try Trainer(
    recipe, data: TrainingData(recipe, root: dataRoot), isFresh: !(resuming && hasCheckpoint))
  if resuming, hasCheckpoint {
    try Checkpoint.restore(&trainer, from: folder.checkpoint)
  } else {
    try folder.start(recipe.json, environment: environmentValue(of: trainer.data))
  }
  // Without a checkpoint nothing of the log is true yet, not even what was watched before a step.
  var log = try MetricsLog(folder.metrics, keepingThrough: trainer.step > 0 ? trainer.step : -1)
  let (began, clock, firstStep) = (Date.now, ContinuousClock(), trainer.step)
  let start = clock.now
  let isDone = try takeSteps(&trainer, into: folder, log: &log, onEvent: onEvent)
  try RunHistory.add(
    started: began, seconds: (clock.now - start).inSeconds, steps: (firstStep, trainer.step),
    to: folder)
  guard isDone else { return nil }
  return try finish(trainer, into: folder, log: &log, onEvent: onEvent)
}

/// Trains to the end of the recipe; false when asked to stop before it.
private func takeSteps(
  _ trainer: inout Trainer, into folder: RunFolder, log: inout MetricsLog,
  onEvent: (RunEvent) -> Bool
) throws(Failure) -> Bool {
  let settings = trainer.recipe.training
  var isAskedToStop = onEvent(.started(trainer: trainer))
  if let report = trainer.startReport { _ = onEvent(.noted(report.text)) }
  for warning in trainer.recipe.warnings { _ = onEvent(.warned(warning)) }
  for note in trainer.data.notes { _ = onEvent(.warned(note)) }
  if trainer.step == 0, settings.evaluateEvery > 0, !isAskedToStop {
    // How it all began, to see what the steps add; never a model to keep.
    let evaluation = try judge(trainer.objective.encoder, on: trainer.data.watched)
    log.append(watched: evaluation, of: trainer)
    isAskedToStop = onEvent(
      .evaluated(step: 0, evaluation, watched: trainer.data.watchedName))
  }
  let clock = ContinuousClock()
  let (start, firstStep) = (clock.now, trainer.step)
  var batches = BatchQueue()
  while !trainer.isFinished, !isAskedToStop {
    let report = try trainer.takeStep(on: batches.take(for: &trainer))
    log.append(report.json)
    if let warning = report.warning {
      _ = onEvent(.warned("step \(report.step + 1): \(warning)"))
    }
    let seconds = (clock.now - start).inSeconds
    let images =
      Double((trainer.step - firstStep) * trainer.recipe.sampler.value.batchSize)
      / max(seconds, 1e-9)
    isAskedToStop = onEvent(.stepped(report, imagesPerSecond: images))
    let isLast = trainer.step == settings.steps
    if settings.evaluateEvery > 0, trainer.step % settings.evaluateEvery == 0 || isLast {
      let evaluation = try trainer.watch()
      log.append(watched: evaluation, of: trainer)
      isAskedToStop =
        onEvent(
          .evaluated(step: trainer.step, evaluation, watched: trainer.data.watchedName))
        || isAskedToStop
    }
    let interval =
      settings.checkpointEvery > 0 ? settings.checkpointEvery : max(1, settings.evaluateEvery)
    if isAskedToStop || isLast || trainer.step % interval == 0 || trainer.hasStalled {
      try log.flush()
      try Checkpoint.write(trainer, to: folder.checkpoint)
    }
  }
  if trainer.hasStalled {
    _ = onEvent(
      .stopped(
        reason: "no progress in \(trainer.evaluationsSinceBest) evaluations "
          + "(step \(trainer.step) of \(settings.steps))"))
  }
  _ = onEvent(
    .stepsEnded(waited: batches.waited.inSeconds, seconds: (clock.now - start).inSeconds))
  return trainer.isFinished
}

extension Duration {
  fileprivate var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

/// Judges the kept model beside the raw input and writes what the run leaves behind.
private func finish(
  _ trainer: Trainer, into folder: RunFolder, log: inout MetricsLog, onEvent: (RunEvent) -> Bool
) throws(Failure) -> RunResult {
  let kept = trainer.kept
  let test = trainer.data.test
  let embeddings = embed(test, with: kept.encoder)
  let result = RunResult(
    baseline: try judge(test.flattened, of: test),
    trained: try judge(embeddings, of: test),
    keptStep: trainer.keptStep, steps: trainer.step,
    chosenOn: trainer.keptStep == trainer.step ? nil : trainer.data.watchedName,
    overlap: trainer.data.overlap, recipe: trainer.recipe)
  try log.flush()
  try FileSystem.write(try TrainedModel.bytes(kept, of: trainer), to: folder.model)
  try FileSystem.write(result.json.indented, to: folder.evaluation)
  guard trainer.recipe.training.report else { return result }
  let report = try RunReport(result, data: trainer.data, embeddings: embeddings, of: folder)
  let page = report.html { done, total in _ = onEvent(.reporting(done: done, of: total)) }
  try FileSystem.write(page, to: folder.report)
  return result
}

extension MetricsLog {
  fileprivate mutating func append(watched evaluation: Evaluation, of trainer: Trainer) {
    append([
      "step": JSONValue(trainer.step), "watched": .string(trainer.data.watchedName),
      "evaluation": evaluation.json,
    ])
  }
}

extension Trainer.StepReport {
  var json: [String: JSONValue] {
    var members: [String: JSONValue] = [
      "step": JSONValue(step), "loss": .number(loss), "active": .number(active),
      "learningRate": .number(learningRate),
    ]
    members.merge(health.json) { own, _ in own }
    if let warning { members["warning"] = .string(warning) }
    if terms.count > 1 {
      members["terms"] = .array(
        terms.map {
          ["loss": .string($0.name), "value": .number($0.value), "active": .number($0.active)]
        })
    }
    return members
  }
}
