import Evaluation
import Files
import Foundation
import Settings
import Training

let recipesCommand = Subcommand(
  name: "recipes",
  summary: "List the recipes and the scores that they must reach, or check all of them.",
  positionals: [
    .init(name: "FOLDER", summary: "where the recipes lie (default: recipes)", isRequired: false)
  ],
  options: [
    .init("--check", "read every recipe, and take a few steps where its data are there"),
    .init("--train", "with --check: train each to the end and hold it to its targets"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred recipes --check",
  run: listRecipes)

private func listRecipes(_ arguments: Arguments) throws {
  let folder = arguments.positionals.first ?? "recipes"
  let names = try FileSystem.list(folder).filter { $0.hasSuffix(".json5") }
  guard !names.isEmpty else {
    throw Failure(
      .noInput, at: folder, "there are no recipes", expected: "files that end in .json5")
  }
  if arguments.has("--train"), !arguments.has("--check") {
    throw Failure(.badUsage, at: "--train", "it stands without --check")
  }
  var results: [JSONValue] = []
  var failures: [Failure] = []
  for name in names {
    let path = "\(folder)/\(name)"
    var state = "valid"
    do {
      let recipe = try AnyRecipe(path: path)
      if arguments.has("--check") {
        state = try check(recipe, name: name, training: arguments.has("--train"))
      }
      results.append([
        "recipe": .string(path), "description": .string(recipe.description),
        "targets": .object(recipe.targets.mapValues { .number($0) }), "state": .string(state),
      ])
      if !arguments.has("--json") {
        let targets = recipe.targets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        print("\(path): \(recipe.description)")
        print("    must reach \(targets.isEmpty ? "no score" : targets.joined(separator: ", "))")
        if arguments.has("--check") { print("    \(state)") }
      }
    } catch let failure as Failure {
      failures.append(failure)
      results.append([
        "recipe": .string(path), "state": "failed", "failure": .string(failure.description),
      ])
      if !arguments.has("--json") { print("\(path): FAILED: \(failure)") }
    }
  }
  if arguments.has("--json") { Terminal.printJSON(["recipes": .array(results)]) }
  if let first = failures.first {
    throw Failure(
      .checkFailed, at: first.place, first.found, expected: first.expected, remedy: first.remedy)
  }
}

/// Tries a recipe in a folder of its own; tells what came of it.
private func check(_ recipe: AnyRecipe, name: String, training: Bool) throws -> String {
  let scratch = NSTemporaryDirectory() + "kindred-check-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: scratch) }
  let folder = RunFolder(scratch)
  let root = dataRoot(environment: ProcessInfo.processInfo.environment)
  switch recipe {
  case .items(var recipe):
    // A learner takes no steps that could be few.
    if recipe.learner != nil { return try checkLearner(recipe, name: name, in: folder, root: root) }
    if !training { recipe.shorten() }
    return try outcome(of: name, recipe.targets, training: training) { () throws(Failure) in
      try Training.train(recipe, into: folder, dataRoot: root, resuming: false) { _ in false }
        .map { ($0.missedTargets, $0.trained) }
    }
  case .pairs(var recipe):
    if !training { recipe.shorten() }
    return try outcome(of: name, recipe.targets, training: training) { () throws(Failure) in
      try Training.train(recipe, into: folder, dataRoot: root, resuming: false) { _ in false }
        .map { ($0.missedTargets, $0.trained) }
    }
  }
}

private func checkLearner(
  _ recipe: Recipe, name: String, in folder: RunFolder, root: String
) throws -> String {
  let run: LearnedRun
  do {
    run = try learn(recipe, into: folder, dataRoot: root)
  } catch {
    guard error.kind == .noInput else { throw error }
    return "valid, not tried: its data are not here (\(error))"
  }
  try failIfMissed(run.missedTargets, of: name)
  let reached = run.recipe.targets.keys.sorted().map {
    "\($0) \(fixed(run.trained?[$0] ?? 0, 4))"
  }
  return "learned in \(fixed(run.seconds, 2)) s"
    + (reached.isEmpty ? "" : "; reached \(reached.joined(separator: ", "))")
}

private typealias Missed = [(metric: String, target: Double, reached: Double)]

private func outcome(
  of name: String, _ targets: [String: Double], training: Bool,
  _ train: () throws(Failure) -> (missed: Missed, trained: Evaluation)?
) throws -> String {
  let result: (missed: Missed, trained: Evaluation)?
  do {
    result = try train()
  } catch {
    guard error.kind == .noInput else { throw error }
    return "valid, not tried: its data are not here (\(error))"
  }
  guard training, let result else { return "valid, and takes steps" }
  try failIfMissed(result.missed, of: name)
  let reached = targets.keys.sorted().map { "\($0) \(fixed(result.trained[$0] ?? 0, 4))" }
  return "trained; reached \(reached.joined(separator: ", "))"
}

private func failIfMissed(_ missed: Missed, of name: String) throws(Failure) {
  guard let missed = missed.first else { return }
  throw Failure(
    .checkFailed, at: name, "\(missed.metric) is \(fixed(missed.reached, 4))",
    expected: "\(missed.target), the recipe's target")
}

extension Recipe {
  /// A few steps, without a score to reach.
  fileprivate mutating func shorten() {
    (training.steps, training.evaluateEvery, targets) = (3, 0, [:])
  }
}

extension PairRecipe {
  /// A few steps, without a score to reach.
  fileprivate mutating func shorten() {
    (training.steps, training.evaluateEvery, targets) = (3, 0, [:])
  }
}
