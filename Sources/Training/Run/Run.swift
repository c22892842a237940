import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Index
import Models
import Settings

/// What happens in a run, for whoever shows it.
public enum RunEvent: Sendable {
  case started(trainer: Trainer)
  /// The same of a run of queries and documents.
  case startedPairs(trainer: PairTrainer)
  case stepped(Trainer.StepReport, imagesPerSecond: Double)
  case evaluated(step: Int, Evaluation, watched: String)
  case stopped(reason: String)
  /// The map of the report is drawn, after everything else was written.
  case reporting(done: Int, of: Int)
  /// Something worth knowing that is not wrong, such as what became of given weights.
  case noted(String)
  /// Something is likely wrong with the recipe or the run.
  case warned(String)
  /// The steps of this process are over: how long they waited for their batches, how long
  /// checkpoints took, and how long all took, evaluations included.
  case stepsEnded(waited: Double, saving: Double, seconds: Double)
}

/// Trains by a recipe into a run folder.
///
/// - Parameters:
///   - resuming: go on with the run that lies in the folder, bit for bit; from the first step if it
///     ended before its first checkpoint. The recipe is that of the run, but for more
///     `training.steps` where the schedule does not depend on them.
///   - detectsAnomalies: look at each operation for numbers that are NaN or infinite.
///   - onEvent: called on the way; a true result asks the run to stop after a checkpoint.
/// - Returns: what the run has to show; nil when it was asked to stop.
public func train(
  _ recipe: Recipe, into folder: RunFolder, dataRoot: String, resuming: Bool,
  detectsAnomalies: Bool = false, onEvent: (RunEvent) -> Bool
) throws(Failure) -> RunResult? {
  try run(
    recipe, into: folder, resuming: resuming, detectsAnomalies: detectsAnomalies, onEvent: onEvent,
    finish: { (trainer, log) throws(Failure) in
      try finish(trainer, into: folder, log: &log, onEvent: onEvent)
    },
    make: { (isFresh) throws(Failure) in
      try Trainer(recipe, data: TrainingData(recipe, root: dataRoot), isFresh: isFresh)
    })
}

/// Takes the steps of a trainer in a run folder, and finishes the run.
///
/// - Parameters:
///   - finish: judges the kept model and writes what the run leaves behind.
///   - make: makes the trainer; told whether it starts anew rather than from a checkpoint.
/// - Returns: what `finish` gives; nil when the run was asked to stop.
func run<T: RunTrainer, Result>(
  _ recipe: T.TrainedBy, into folder: RunFolder, resuming: Bool, detectsAnomalies: Bool,
  onEvent: (RunEvent) -> Bool,
  finish: (_ trainer: T, _ log: inout MetricsLog) throws(Failure) -> Result,
  make: (_ isFresh: Bool) throws(Failure) -> T
) throws(Failure) -> Result? {
  var run = try Run(recipe, into: folder, resuming: resuming, make: make)
  defer { run.lock?.release() }
  run.trainer.detectsAnomalies = detectsAnomalies
  do throws(Failure) {
    let (began, clock, firstStep) = (Date.now, ContinuousClock(), run.trainer.step)
    let start = clock.now
    let isDone = try run.takeSteps(onEvent: onEvent)
    try RunHistory.add(
      started: began, seconds: (clock.now - start).inSeconds,
      steps: (firstStep, run.trainer.step), to: folder)
    guard isDone else { return nil }
    return try finish(run.trainer, &run.log)
  } catch {
    throw run.telling(what: error)
  }
}

/// A trainer with the folder that it trains into.
private struct Run<T: RunTrainer> {
  let folder: RunFolder
  /// There is none until there is a folder.
  private(set) var lock: RunLock?
  var trainer: T
  var log: MetricsLog
  /// What a person should know of how it begins.
  private var notes: [String] = []
  /// The step of the newest checkpoint.
  private var savedStep: Int?

  init(
    _ recipe: T.TrainedBy, into folder: RunFolder, resuming: Bool,
    make: (_ isFresh: Bool) throws(Failure) -> T
  ) throws(Failure) {
    self.folder = folder
    if resuming {
      try folder.checkCanGoOn()
      lock = try RunLock(folder)
    } else {
      try folder.checkIsFree()
      lock = nil
    }
    do throws(Failure) {
      // What another training did before it gave the lock back counts.
      if resuming { try folder.checkCanGoOn() }
      let goesOn = resuming && folder.hasCheckpoint
      trainer = try make(!goesOn)
      if goesOn {
        if let note = try Checkpoint.restoreNewest(&trainer, in: folder) { notes.append(note) }
        savedStep = trainer.step
        // The recipe of the run has other steps where it goes on for longer.
        try FileSystem.write(recipe.json.indented, to: folder.recipe)
      } else {
        lock = try folder.start(
          recipe.json, environment: trainer.environment, lock: lock)
      }
      // Without a checkpoint nothing of the log is true yet, not even what was watched before a step.
      log = try MetricsLog(folder.metrics, keepingThrough: trainer.step > 0 ? trainer.step : -1)
    } catch {
      lock?.release()
      throw error
    }
    if let left = lock?.left {
      notes.append(
        "\(left), was training here and did not end as it should; its lock is taken over")
    }
  }

  /// Trains to the end of the recipe; false when asked to stop before it.
  mutating func takeSteps(onEvent: (RunEvent) -> Bool) throws(Failure) -> Bool {
    let settings = trainer.recipe.training
    var isAskedToStop = false
    for event in trainer.startEvents { isAskedToStop = onEvent(event) || isAskedToStop }
    for warning in notes + trainer.warnings { _ = onEvent(.warned(warning)) }
    if trainer.step == 0, settings.evaluateEvery > 0, !isAskedToStop {
      // How it all began, to see what the steps add; never a model to keep.
      let evaluation = try trainer.judgeWatched()
      try log.append(watched: evaluation, of: trainer)
      isAskedToStop = onEvent(
        .evaluated(step: 0, evaluation, watched: trainer.watchedName))
    }
    let clock = ContinuousClock()
    let (start, firstStep) = (clock.now, trainer.step)
    var batches = BatchQueue<T>()
    var pace = CheckpointPace(settings, from: start)
    while !trainer.isFinished, !isAskedToStop {
      let report = try trainer.takeStep(on: batches.take(for: &trainer))
      try log.append(report.json)
      if let warning = report.warning {
        _ = onEvent(.warned("step \(report.step + 1): \(warning)"))
      }
      let seconds = (clock.now - start).inSeconds
      let images =
        Double((trainer.step - firstStep) * trainer.itemsPerStep)
        / max(seconds, 1e-9)
      isAskedToStop = onEvent(.stepped(report, imagesPerSecond: images))
      let isLast = trainer.step == settings.steps
      if settings.evaluateEvery > 0, trainer.step % settings.evaluateEvery == 0 || isLast {
        let evaluation = try trainer.watch()
        try log.append(watched: evaluation, of: trainer)
        try log.flush()
        isAskedToStop =
          onEvent(
            .evaluated(step: trainer.step, evaluation, watched: trainer.watchedName))
          || isAskedToStop
      }
      let now = clock.now
      if isAskedToStop || isLast || trainer.hasStalled || pace.isDue(after: trainer.step, at: now) {
        try log.flush(toDisk: true)
        try Checkpoint.write(trainer, in: folder)
        savedStep = trainer.step
        pace.wrote(from: now, to: clock.now)
      }
    }
    if trainer.hasStalled {
      _ = onEvent(
        .stopped(
          reason: "no progress in \(trainer.evaluationsSinceBest) evaluations "
            + "(step \(trainer.step) of \(settings.steps))"))
    }
    _ = onEvent(
      .stepsEnded(
        waited: batches.waited.inSeconds, saving: pace.spent.inSeconds,
        seconds: (clock.now - start).inSeconds))
    return trainer.isFinished
  }

  /// Saves what is good of a run that failed, and says which step that is.
  mutating func telling(what failure: Failure) -> Failure {
    do throws(Failure) {
      try log.flush(toDisk: true)
      if trainer.step != savedStep { try Checkpoint.write(trainer, in: folder) }
      savedStep = trainer.step
    } catch {
      // There is no room, or the step that failed spoilt the state: the last one saved stays.
    }
    var failure = failure
    let kept =
      savedStep.map { "\(folder.checkpoint) holds step \($0), the last good one" }
      ?? "there is no checkpoint before it"
    failure.remedy = [failure.remedy, kept].filter { !$0.isEmpty }.joined(separator: "; ")
    return failure
  }
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
  let embeddings = try embed(test, with: kept.encoder)
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
  fileprivate mutating func append(
    watched evaluation: Evaluation, of trainer: some RunTrainer
  ) throws(Failure) {
    try append([
      "step": JSONValue(trainer.step), "watched": .string(trainer.watchedName),
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
