import Autodiff
import Classical
import Data
import Files
import Foundation
import Settings
import Training

let learnCommand = Subcommand(
  name: "learn",
  summary: "Learn a metric from rows of numbers by a classical learner, into a run folder.",
  positionals: [.init(name: "NAME", summary: "a learner; see kindred list learners")],
  options: [
    .init("--embeddings", "X.npy", "the rows, [items, columns]"),
    .init("--labels", "Y.npy", "the class of each row"),
    .init("--targets", "T.npy", "a number to predict for each row"),
    .init("--pairs", "P.npy", "pairs of rows, [pairs, 2]"),
    .init("--pair-labels", "S.npy", "+1 for alike, -1 for unlike pairs"),
    .init("--triplets", "T3.npy", "rows a, b, c, [n, 3]: a is nearer to b than to c"),
    .init("--quadruplets", "Q.npy", "rows a, b, c, d, [n, 4]: a is nearer to b than c is to d"),
    .init("--chunks", "C.npy", "the chunk of each row, -1 for none"),
    .init("--treated", "T.npy", "malts: 1 for each treated row, else 0; --targets are outcomes"),
    .init("--categories", "E.npy", "malts: categories of each row, [items, kinds]"),
    .init("--table", "F.csv", "a table of text instead: CSV and its kin"),
    .init("--label", "COLUMN", "its column of classes, by name or number from 0"),
    .init("--target", "COLUMN", "its column of numbers to predict; for malts, of outcomes"),
    .init("--treatment", "COLUMN", "malts: its column that is 1 for treated rows, else 0"),
    .init("--columns", "NAME,...", "its columns to learn from (default: all others)"),
    .init("--leave-out", "NAME,...", "its columns that are left out"),
    .init("--text", "HOW", "columns of text: refuse (default), one-hot or drop"),
    .init("--missing", "HOW", "cells without a value: refuse (default), mean or median"),
    .init(
      "--header", "HOW", "whether its first line names columns: automatic (default), yes or no"),
    .init("--order", "NAME,...", "its classes in their order, for ordinal-mds (default: sorted)"),
    .init("--test", "FILE", "rows to judge on, of the same form"),
    .init("--test-labels", "Y.npy", "their classes"),
    .init("--test-targets", "T.npy", "their numbers"),
    .init("--test-rows", "SHARE", "the share of rows of each class to judge on, as in 0.3 or 1/3"),
    .init("--test-classes", "NAME,...", "whole classes to judge on"),
    .init("--components", "K", "the width of an embedding (default: as the learner has it)"),
    .init("--standardize", "give columns mean 0 and deviation 1, learned from the training rows"),
    .init("--params", "JSON5", "settings of the learner, as in '{ neighbors: 3 }'"),
    .init("--matrix", "D.npy", "metric-nearness, correlation-clustering: a number for each pair"),
    .init("--seed", "N", "for what is drawn at random (default: 0)"),
    .init("--out", "RUN", "the folder to write; it must be new or empty"),
  ] + Subcommand.common,
  example: "kindred learn lmnn --embeddings X.npy --labels Y.npy --standardize --test-rows 0.3 "
    + "--out runs/lmnn",
  run: learnRun)

private func learnRun(_ arguments: Arguments) throws {
  let name = arguments.positionals[0]
  let folder = RunFolder(try arguments.required("--out"))
  if try solveGraph(name, folder, arguments) { return }
  guard allLearners.contains(where: { $0.name == name }) else {
    throw Failure(
      .badUsage, at: "kindred learn", "there is no learner '\(name)'",
      remedy: suggestion(for: name, among: allLearners.map(\.name) + allGraphProblems.map(\.name)))
  }
  let recipe = try Recipe(
    .object([
      "description": .string("\(name) learned by kindred learn"),
      "data": try dataChoice(arguments), "learner": try learnerChoice(name, arguments),
      "training": [
        "seed": JSONValue(try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0),
        "report": .bool(false),
      ],
    ]), at: "kindred learn")
  _ = try learnAndShow(recipe, folder, isQuiet: arguments.has("--json"))
}

/// Learns a recipe's metric, and shows what was learned.
func learnAndShow(
  _ recipe: Recipe, _ folder: RunFolder, isQuiet: Bool
) throws(Failure) -> LearnedRun {
  let root = dataRoot(environment: ProcessInfo.processInfo.environment)
  let run = try learn(recipe, into: folder, dataRoot: root) { words in
    if !isQuiet { print("\(words) ...") }
  }
  showLearned(run, folder, isQuiet: isQuiet)
  return run
}

/// What was learned, as JSON or for a reader.
private func showLearned(_ run: LearnedRun, _ folder: RunFolder, isQuiet: Bool) {
  guard !isQuiet else {
    Terminal.printJSON(run.json)
    return
  }
  let metric = run.metric
  print(
    "\(run.recipe.learner?.name ?? ""): \(metric.map.columns) columns to \(metric.map.rows), from "
      + "\(run.rows) rows in \(fixed(run.seconds, 3)) s (\(metric.iterations) steps)")
  print("objective \(metric.objective); \(metric.certifies) \(metric.certificate)")
  for note in run.notes { print("Note: \(note).") }
  var table = Table([
    run.judgedOn, "raw input",
    "learned",
  ])
  if let neighbors = run.neighbors {
    table.append([
      "\(neighbors.name) of \(NeighborScore.count) neighbors", fixed(neighbors.baseline, 4),
      fixed(neighbors.trained, 4),
    ])
  }
  if let baseline = run.baseline, let trained = run.trained {
    for name in ["recall@1", "map@r"] {
      guard let raw = baseline[name], let learned = trained[name] else { continue }
      table.append([name, fixed(raw, 4), fixed(learned, 4)])
    }
  }
  print("\n" + table.text, terminator: "")
  print("\nThe run lies in \(folder.path); metric.npz holds L, M, mean and scale in float64.")
  if FileSystem.exists(folder.report) {
    print("Open \(folder.report) to look at it.")
  } else if run.trained != nil {
    print("kindred report \(shellWord(folder.path)) draws a page of it.")
  }
}

// MARK: - From options to a recipe

private func learnerChoice(_ name: String, _ arguments: Arguments) throws(Failure) -> JSONValue {
  var members = try arguments.settings("--params")
  members["name"] = .string(name)
  members["standardize"] = .bool(arguments.has("--standardize"))
  if let components = try arguments.wholeNumber("--components", in: 1...65_536) {
    members["components"] = JSONValue(components)
  }
  for (option, key) in [
    ("--pairs", "pairs"), ("--pair-labels", "pairLabels"), ("--triplets", "triplets"),
    ("--quadruplets", "quadruplets"), ("--chunks", "chunks"),
  ] {
    if let path = arguments.value(option) { members[key] = .string(absolute(path)) }
  }
  return .object(members)
}

private func dataChoice(_ arguments: Arguments) throws(Failure) -> JSONValue {
  guard !arguments.has("--table") else { return try tableChoice(arguments) }
  for option in tableOptions where arguments.has(option) {
    throw Failure(.badUsage, at: option, "there is no table", expected: "--table FILE.csv")
  }
  var members: [String: JSONValue] = ["name": "rows"]
  guard let rows = arguments.value("--embeddings") else {
    throw Failure(
      .badUsage, at: "kindred learn", "there is nothing to learn from",
      expected: "--embeddings X.npy or --table FILE.csv", remedy: "see kindred learn --help")
  }
  members["rows"] = .string(absolute(rows))
  for (option, key) in [
    ("--labels", "labels"), ("--targets", "targets"), ("--treated", "treated"),
    ("--categories", "categories"), ("--test", "testRows"), ("--test-labels", "testLabels"),
    ("--test-targets", "testTargets"),
  ] {
    if let path = arguments.value(option) { members[key] = .string(absolute(path)) }
  }
  try addSplit(to: &members, arguments)
  return .object(members)
}

private let tableOptions = [
  "--label", "--target", "--treatment", "--columns", "--leave-out", "--text", "--missing",
  "--header", "--order",
]

private func tableChoice(_ arguments: Arguments) throws(Failure) -> JSONValue {
  for option in [
    "--embeddings", "--labels", "--targets", "--treated", "--categories",
    "--test-labels", "--test-targets",
  ] where arguments.has(option) {
    throw Failure(
      .badUsage, at: option, "there is --table too", expected: "columns of the table")
  }
  var members: [String: JSONValue] = ["name": "table"]
  for (option, key) in [("--table", "path"), ("--test", "testPath")] {
    if let path = arguments.value(option) { members[key] = .string(absolute(path)) }
  }
  for (option, key) in [
    ("--label", "label"), ("--target", "target"), ("--treatment", "treatment"),
  ] {
    if let name = arguments.value(option) { members[key] = .string(name) }
  }
  members["text"] = .string(try arguments.word("--text", default: TextColumns.refuse).rawValue)
  members["missing"] = .string(
    try arguments.word("--missing", default: MissingCells.refuse).rawValue)
  members["header"] = .string(
    try arguments.word("--header", default: CSVTable.Header.automatic).rawValue)
  for (option, key) in [
    ("--columns", "columns"), ("--leave-out", "leaveOut"), ("--order", "order"),
  ] {
    guard let names = arguments.value(option) else { continue }
    members[key] = .array(names.split(separator: ",").map { .string(String($0)) })
  }
  try addSplit(to: &members, arguments)
  return .object(members)
}

private func addSplit(
  to members: inout [String: JSONValue], _ arguments: Arguments
) throws(Failure) {
  if let text = arguments.value("--test-rows") {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
    let share: Double? =
      switch parts.count {
      case 1: parts[0]
      case 2: parts[0].flatMap { above in parts[1].map { above / $0 } }
      default: nil
      }
    guard let share, share > 0, share <= 0.95 else {
      throw Failure(
        .badUsage, at: "--test-rows", "'\(text)'",
        expected: "a share above 0 and at most 0.95, as in 0.3 or 1/3")
    }
    guard !arguments.has("--test") else {
      throw Failure(
        .badUsage, at: "--test-rows", "there is --test too", expected: "one of them")
    }
    members["testShare"] = .number(share)
  }
  if let names = arguments.value("--test-classes") {
    members["split"] = "classes"
    members["testClasses"] = .array(names.split(separator: ",").map { .string(String($0)) })
  }
  if let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) {
    members["seed"] = JSONValue(seed)
  }
}

/// The path from the root, so that the run finds its data from anywhere.
private func absolute(_ path: String) -> String {
  path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}

// MARK: - Problems on pairs of points

/// Solves a problem that is no learner of rows; false if the name is none.
private func solveGraph(
  _ name: String, _ folder: RunFolder, _ arguments: Arguments
) throws(Failure) -> Bool {
  let isNearness = name == "project-and-forget" && arguments.has("--matrix")
  let wanted = isNearness ? "metric-nearness" : name
  guard let known = allGraphProblems.first(where: { $0.name == wanted }) else {
    guard !arguments.has("--matrix") else {
      throw Failure(
        .badUsage, at: "--matrix", "'\(name)' learns from rows", expected: "--embeddings X.npy")
    }
    return false
  }
  let option =
    arguments.has("--matrix") || !arguments.has("--embeddings") ? "--matrix" : "--embeddings"
  let path = try arguments.required(option)
  let problem = try configured(
    known.value, try arguments.settings("--params"), at: "--params")
  try folder.checkIsFree()
  let given = try readMatrix(path, dtype: .float64)
  let seed = try arguments.wholeNumber("--seed", in: 0...(1 << 53)) ?? 0
  let clock = ContinuousClock()
  let start = clock.now
  let found = try problem.solve(
    Matrix(given.elements(as: Double.self), rows: given.shape[0], columns: given.shape[1]),
    random: Random(seed: UInt64(seed)), at: path)
  let seconds = (clock.now - start) / .seconds(1)
  let json: JSONValue = [
    "learner": .string(wanted), "objective": .number(found.objective),
    "iterations": JSONValue(found.iterations), "seconds": .number(seconds),
    "certificate": .number(found.certificate), "certifies": .string(found.certifies),
    "notes": .array(found.notes.map { .string($0) }),
  ]
  try FileSystem.makeFolder(folder.path)
  for array in found.arrays { try array.value.write(to: "\(folder.path)/\(array.name).npy") }
  try FileSystem.write(json.indented, to: folder.path + "/solution.json")
  guard !arguments.has("--json") else {
    Terminal.printJSON(json)
    return true
  }
  print(
    "\(wanted): objective \(found.objective) after \(found.iterations) rounds in "
      + "\(fixed(seconds, 3)) s; \(found.certifies) \(found.certificate)")
  for note in found.notes { print("Note: \(note).") }
  let names = found.arrays.map { "\($0.name).npy" }.joined(separator: " and ")
  print("\(names) in \(folder.path) \(found.arrays.count == 1 ? "holds" : "hold") what was found.")
  return true
}
