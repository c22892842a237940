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
      let recipe = try Recipe(path: path)
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
private func check(_ recipe: Recipe, name: String, training: Bool) throws -> String {
  var recipe = recipe
  // A learner takes no steps that could be few.
  if !training, recipe.learner == nil {
    recipe.training.steps = 3
    recipe.training.evaluateEvery = 0
    recipe.targets = [:]
  }
  let scratch = NSTemporaryDirectory() + "kindred-check-\(UUID().uuidString)"
  defer { try? FileManager.default.removeItem(atPath: scratch) }
  if recipe.learner != nil {
    let run: LearnedRun
    do {
      run = try learn(
        recipe, into: RunFolder(scratch),
        dataRoot: dataRoot(environment: ProcessInfo.processInfo.environment))
    } catch {
      guard error.kind == .noInput else { throw error }
      return "valid, not tried: its data are not here (\(error))"
    }
    if let missed = run.missedTargets.first {
      throw Failure(
        .checkFailed, at: name, "\(missed.metric) is \(fixed(missed.reached, 4))",
        expected: "\(missed.target), the recipe's target")
    }
    let reached = run.recipe.targets.keys.sorted().map {
      "\($0) \(fixed(run.trained?[$0] ?? 0, 4))"
    }
    return "learned in \(fixed(run.seconds, 2)) s"
      + (reached.isEmpty ? "" : "; reached \(reached.joined(separator: ", "))")
  }
  var result: RunResult?
  do {
    result = try Training.train(
      recipe, into: RunFolder(scratch),
      dataRoot: dataRoot(environment: ProcessInfo.processInfo.environment), resuming: false
    ) { _ in false }
  } catch {
    guard error.kind == .noInput else { throw error }
    return "valid, not tried: its data are not here (\(error))"
  }
  guard training, let result else { return "valid, and takes steps" }
  if let missed = result.missedTargets.first {
    throw Failure(
      .checkFailed, at: name, "\(missed.metric) is \(fixed(missed.reached, 4))",
      expected: "\(missed.target), the recipe's target")
  }
  let reached = recipe.targets.keys.sorted().map { "\($0) \(fixed(result.trained[$0] ?? 0, 4))" }
  return "trained; reached \(reached.joined(separator: ", "))"
}
