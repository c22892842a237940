import Autodiff
import Evaluation
import Files
import Foundation
import Settings
import Synchronization
import Training

let trainCommand = Subcommand(
  name: "train",
  summary: "Train a recipe into a run folder and judge it on held-out classes, items or queries.",
  positionals: [.init(name: "RECIPE", summary: "a recipe, as in recipes/quickstart.json5")],
  options: [
    .init("--out", "RUN", "the folder to write; it must be new or empty"),
    .init(
      "--set", "KEY.PATH=VALUE", "change the recipe, as in training.steps=100", isRepeated: true),
    .init("--seed", "N", "the same as --set training.seed=N"),
    Subcommand.threads,
    .init(
      "--resume",
      "go on with the run in the folder, bit for bit; for longer with more training.steps, if the "
        + "schedule is constant"),
    .init(
      "--detect-anomaly",
      "look at every operation, and stop at the first that gives NaN or infinity (slower)"),
    Subcommand.json,
  ],
  example: "kindred train recipes/quickstart.json5 --out runs/quickstart",
  run: train)

/// Set when the user asks to stop, so that the run can write a checkpoint first.
private let isInterrupted = Atomic<Bool>(false)

/// Asks the run to stop after its step; the next signal ends the program at once, which loses only
/// what came after the last checkpoint.
private func stopAfterThisStep(_ signal: Int32) {
  isInterrupted.store(true, ordering: .relaxed)
  Foundation.signal(SIGINT, SIG_DFL)
  Foundation.signal(SIGTERM, SIG_DFL)
}

private func train(_ arguments: Arguments) throws {
  var overrides = arguments.allValues("--set")
  if let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) {
    overrides.append("training.seed=\(seed)")
  }
  let anyRecipe = try AnyRecipe(path: arguments.positionals[0], overrides: overrides)
  let folder = RunFolder(try arguments.required("--out"))
  let isQuiet = arguments.has("--json")
  guard case .items(let recipe) = anyRecipe else {
    guard case .pairs(let recipe) = anyRecipe else { return }
    try trainPairs(recipe, into: folder, arguments)
    return
  }
  if recipe.learner != nil {
    let run = try learnAndShow(recipe, folder, isQuiet: isQuiet)
    try failIfMissed(run.missedTargets, at: folder.path)
    return
  }
  let result = try runningSteps(of: recipe.training.steps, arguments) { onEvent throws(Failure) in
    try Training.train(
      recipe, into: folder, dataRoot: dataRoot(environment: ProcessInfo.processInfo.environment),
      resuming: arguments.has("--resume"), detectsAnomalies: arguments.has("--detect-anomaly"),
      onEvent: onEvent)
  }
  if isQuiet {
    Terminal.printJSON(result.json)
  } else {
    print(resultTable(result), terminator: "")
    print("\nThe run lies in \(folder.path); open \(folder.report) to look at it.")
    if let chosenOn = result.chosenOn {
      print("The model is that of step \(result.keptStep), chosen on the \(chosenOn).")
    }
    if !result.beatsBaseline {
      print("The trained embedding does NOT beat the raw input in MAP@R.")
    }
  }
  try failIfMissed(result.missedTargets, at: folder.path)
}

private func trainPairs(
  _ recipe: PairRecipe, into folder: RunFolder, _ arguments: Arguments
) throws {
  let result = try runningSteps(of: recipe.training.steps, arguments) { onEvent throws(Failure) in
    try Training.train(
      recipe, into: folder, dataRoot: dataRoot(environment: ProcessInfo.processInfo.environment),
      resuming: arguments.has("--resume"), detectsAnomalies: arguments.has("--detect-anomaly"),
      onEvent: onEvent)
  }
  if arguments.has("--json") {
    Terminal.printJSON(result.json)
  } else {
    print(pairTable(result), terminator: "")
    print("\nThe run lies in \(folder.path).")
    if let chosenOn = result.chosenOn {
      print("The model is that of step \(result.keptStep), chosen on the \(chosenOn).")
    }
    if !result.beatsBaseline {
      print("The trained embeddings do NOT beat the given vectors in NDCG@10.")
    }
  }
  try failIfMissed(result.missedTargets, at: folder.path)
}

/// Takes steps, showing how far they are, until they are done; ends the program where it is asked to.
private func runningSteps<Result>(
  of steps: Int, _ arguments: Arguments,
  _ train: (_ onEvent: (RunEvent) -> Bool) throws(Failure) -> Result?
) throws(Failure) -> Result {
  signal(SIGINT, stopAfterThisStep)
  signal(SIGTERM, stopAfterThisStep)
  let isQuiet = arguments.has("--json")
  let progress = ProgressLine(isQuiet: isQuiet)
  let result = try train { event in
    show(event, of: steps, on: progress, isQuiet: isQuiet)
    return isInterrupted.load(ordering: .relaxed)
  }
  progress.finish()
  guard let result else {
    Terminal.printError("kindred: stopped; go on with: \(resumeLine(arguments))")
    exit(130)
  }
  return result
}

private func failIfMissed(
  _ targets: [(metric: String, target: Double, reached: Double)], at place: String
) throws(Failure) {
  guard let missed = targets.first else { return }
  throw Failure(
    .checkFailed, at: place, "\(missed.metric) is \(fixed(missed.reached, 4))",
    expected: "\(missed.target), the recipe's target")
}

/// The command that goes on with a run, as a shell takes it.
private func resumeLine(_ arguments: Arguments) -> String {
  var words = ["train", arguments.positionals[0]]
  for option in ["--out", "--set", "--seed"] {
    for value in arguments.allValues(option) { words += [option, value] }
  }
  return (["kindred"] + words + ["--resume"]).map(shellWord).joined(separator: " ")
}

/// A word as a shell takes it.
func shellWord(_ word: String) -> String {
  let isPlain =
    !word.isEmpty
    && word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber) || "-_./=:,+@%".contains($0)
    }
  return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
}

private func show(
  _ event: RunEvent, of steps: Int, on progress: ProgressLine, isQuiet: Bool
) {
  guard !isQuiet else { return }
  switch event {
  case .started(let trainer):
    let data = trainer.data
    if !trainer.recipe.description.isEmpty { print(trainer.recipe.description) }
    let (train, test) = (data.train.classNames.count, data.test.classNames.count)
    let others =
      data.overlap.setting == .openSet
      ? test == 1 ? "other" : "others"
      : "class\(test == 1 ? "" : "es"), \(data.overlap.shared) of them trained on "
        + "(\(data.overlap.setting.rawValue))"
    print(
      "Training on \(data.train.count) items of \(train) class\(train == 1 ? "" : "es"); judging on "
        + "\(data.test.count) items of \(test) \(others)"
        + (data.overlap.copies ?? 0 == 0 ? "." : ", \(data.overlap.copyWords)."))
    if trainer.step > 0 { print("Going on from step \(trainer.step).") }
  case .startedPairs(let trainer):
    if !trainer.recipe.description.isEmpty { print(trainer.recipe.description) }
    print(
      "Training on \(trainer.trainedOn.count) queries, judging on \(trainer.data.test.count) others; "
        + "\(trainer.data.documents.count) documents.")
    if trainer.step > 0 { print("Going on from step \(trainer.step).") }
  case .stepped(let report, let imagesPerSecond):
    progress.show(
      "step \(report.step)/\(steps)  loss \(fixed(report.loss, 4))  "
        + "active \(fixed(100 * report.active, 0)) %  \(Int(within: imagesPerSecond)) items/s",
      done: report.step, of: steps)
  case .evaluated(let step, let evaluation, let watched):
    progress.finish()
    let numbers = ["recall@1", "map@r", "accuracy@1", "ndcg@10"].compactMap { name in
      evaluation[name].map { "\(name) \(fixed($0, 4))" }
    }
    print("step \(step): \(numbers.joined(separator: "  ")) on the \(watched)")
  case .noted(let text):
    progress.finish()
    print("Note: \(text).")
  case .warned(let warning):
    progress.finish()
    print("Warning: \(warning).")
  case .stopped(let reason):
    progress.finish()
    print("Stopped early: \(reason).")
  case .reporting(let done, let total):
    progress.show("drawing the map \(done)/\(total)", done: done, of: total)
  case .stepsEnded(let waited, let saving, let seconds):
    progress.restart()
    func share(_ part: Double) -> String { fixed(100 * part / max(seconds, 1e-9), 1) + " %" }
    print(
      "Steps waited \(fixed(waited, 3)) s of \(fixed(seconds, 2)) s for their batches "
        + "(\(share(waited))); checkpoints took \(fixed(saving, 3)) s (\(share(saving))).")
  }
}

/// Raw input against trained embedding, as a table.
func resultTable(_ result: RunResult) -> String {
  var table = Table(["on \(result.overlap.words)", "raw input", "trained"])
  for name in headlineMetrics {
    guard let raw = result.baseline[name], let trained = result.trained[name] else { continue }
    let isLowerBetter = allMetrics.first { $0.name == name }?.value.isLowerBetter ?? false
    let better = isLowerBetter ? " (lower is better)" : ""
    table.append([name + better, fixed(raw, 4), fixed(trained, 4)])
  }
  return "\n" + table.text
}

/// The given vectors against the trained embeddings, as a table.
func pairTable(_ result: PairResult) -> String {
  var table = Table(["on \(result.judgedOn) held-out queries", "as given", "trained"])
  for name in ["accuracy@1", "accuracy@10", "document-recall@10", "mrr@10", "ndcg@10", "map@100"] {
    guard let trained = result.trained[name] else { continue }
    table.append([name, result.baseline?[name].map { fixed($0, 4) } ?? "–", fixed(trained, 4)])
  }
  return "\n" + table.text
}
