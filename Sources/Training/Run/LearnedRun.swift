import Autodiff
import Classical
import Data
import Evaluation
import Files
import Foundation
import Losses
import Models
import Settings

/// What a classical learner made of the rows of a recipe.
public struct LearnedRun: Sendable {
  public let recipe: Recipe
  public let metric: LearnedMetric
  public let seconds: Double
  /// Rows learned from, and rows that were judged.
  public let rows: Int
  public let judged: Int
  /// Whether the judged rows were not learned from.
  public let isHeldOut: Bool
  /// How the classes that were judged on relate to those learned from.
  let overlap: ClassOverlap

  /// What it was judged on, in words.
  public var judgedOn: String {
    guard isHeldOut else { return "on the rows learned from" }
    let copies = overlap.copies ?? 0
    return copies == 0
      ? "on \(judged) other rows"
      : "on \(judged) rows, \(copies) of them copies of rows learned from"
  }

  /// Raw input and learned embedding; nil for rows without classes.
  public let baseline, trained: Evaluation?
  /// What nearest neighbours among the rows learned from say of the judged ones.
  public let neighbors: NeighborScore?
  public let notes: [String]

  /// The targets of the recipe that were missed.
  public var missedTargets: [(metric: String, target: Double, reached: Double)] {
    guard let result else { return [] }
    return result.missedTargets
  }

  /// As a run of steps has it; nil for rows without classes.
  var result: RunResult? {
    guard let baseline, let trained else { return nil }
    return RunResult(
      baseline: baseline, trained: trained, keptStep: 0, steps: 0, chosenOn: nil, overlap: overlap,
      recipe: recipe)
  }

  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "learner": .string(recipe.learner?.name ?? ""),
      "objective": .number(metric.objective), "iterations": JSONValue(metric.iterations),
      "seconds": .number(seconds), "certificate": .number(metric.certificate),
      "certifies": .string(metric.certifies), "components": JSONValue(metric.map.rows),
      "rows": JSONValue(rows), "judged": JSONValue(judged), "heldOut": .bool(isHeldOut),
      "notes": .array(notes.map { .string($0) }),
    ]
    if let neighbors { members["neighbors"] = neighbors.json }
    return .object(members)
  }

  /// What `evaluation.json` holds.
  var evaluationJSON: JSONValue {
    var members: [String: JSONValue] = ["baseline": .null, "trained": .null]
    if case .object(let known)? = result?.json { members = known }
    members["learned"] = json
    return .object(members)
  }
}

/// Learns the metric of a recipe with a `learner` and writes an ordinary run folder.
///
/// The encoder is linear: standardising and the learned map in one. `metric.npz` beside it holds L, M,
/// mean and scale in float64: an embedding is ((x - mean) / scale) Lᵀ, and M = Lᵀ L measures
/// standardised rows.
///
/// - Parameter onStart: told in words what is learned from what, before it takes its time.
public func learn(
  _ recipe: Recipe, into folder: RunFolder, dataRoot: String, onStart: (String) -> Void = { _ in }
) throws(Failure) -> LearnedRun {
  guard let choice = recipe.learner else {
    throw Failure(.badData, at: folder.path, "the recipe names no learner")
  }
  try folder.checkIsFree()
  let split = try rows(of: recipe.data.value, root: dataRoot)
  let scaling = Scaling(split.train, standardizes: choice.options.standardize)
  var problem = try LearningProblem(
    split.train, scaling, choice.options, isDivided: split.test != nil)
  problem.random = Random(seed: UInt64(recipe.training.seed)).split("learner")
  try choice.check(problem)
  onStart("\(choice.name) learns from \(problem.count) rows of \(problem.width) columns")
  let (began, clock) = (Date.now, ContinuousClock())
  let start = clock.now
  let metric = try choice.learner.learn(problem)
  let elapsed = clock.now - start
  guard metric.map.isFinite, metric.objective.isFinite else {
    throw Failure(
      .badData, at: split.train.name,
      "the metric is not finite: the columns' scales differ too much",
      remedy: "standardize the columns")
  }
  let judged = split.test ?? split.train
  let encoder = scaling.encoder(metric.map, inputShape: split.train.dataset.itemShape)
  var finished = recipe
  var linear = Linear()
  (linear.embedding, linear.bias, linear.normalize) = (metric.map.rows, true, false)
  finished.model = Choice("linear", linear)
  // Judging compares all rows with all.
  let hasClasses = judged.labels != nil && (2...20_000).contains(judged.count)
  let run = LearnedRun(
    recipe: finished, metric: metric, seconds: elapsed / .seconds(1), rows: split.train.count,
    judged: judged.count, isHeldOut: split.test != nil,
    overlap: ClassOverlap(train: split.train.dataset, test: judged.dataset),
    baseline: hasClasses ? try judge(judged.dataset.flattened, of: judged.dataset) : nil,
    trained: hasClasses
      ? try judge(try embed(judged.dataset, with: encoder), of: judged.dataset) : nil,
    neighbors: NeighborScore(
      split, raw: { scaling.rows($0) },
      learned: { scaling.rows($0).times(metric.map, transposingOther: true) }),
    notes: split.notes + scaling.notes + metric.notes)
  try write(run, encoder, scaling, split, began: began, into: folder)
  return run
}

/// The rows of any data set: in float64 where it has them, else those of its items.
private func rows(of source: any DataSource, root: String) throws(Failure) -> RowSplit {
  if let source = source as? any RowSource { return try source.loadRows(root: root) }
  let items = try source.load(root: root)
  return RowSplit(train: Rows(items.train), test: Rows(items.test))
}

private func write(
  _ run: LearnedRun, _ encoder: Encoder, _ scaling: Scaling, _ split: RowSplit, began: Date,
  into folder: RunFolder
) throws(Failure) {
  let (train, test) = (split.train.dataset, (split.test ?? split.train).dataset)
  let data = TrainingData(
    DataSplit(train: train, test: test), validation: 0, random: Random(seed: 0))
  var metadata = modelMetadata(of: encoder, recipe: run.recipe, data: data)
  metadata["columns"] = JSONValue.array(split.train.columns.map { .string($0) }).description
  if let preparation = split.preparation { metadata["table"] = preparation.description }
  let objective = Objective(encoder: encoder, loss: CompositeLoss([]))
  // Found before anything is written, since it may fail.
  let embeddings = run.recipe.training.report ? try embed(test, with: encoder) : nil
  let model = try SafetensorsFile(
    metadata: metadata, tensors: objective.state.map { SafetensorsEntry($0.name, $0.value) }
  ).bytes()
  let existed = FileSystem.exists(folder.path)
  do throws(Failure) {
    try FileSystem.makeFolder(folder.path)
    try FileSystem.write(run.recipe.json.indented, to: folder.recipe)
    try FileSystem.write(environmentValue(of: data).indented, to: folder.environment)
    try RunHistory.add(
      started: began, seconds: run.seconds, steps: (0, max(1, run.metric.iterations)), to: folder)
    try FileSystem.write("", to: folder.metrics)
    try FileSystem.write(run.evaluationJSON.indented, to: folder.evaluation)
    try FileSystem.write(try scaling.archive(run.metric.map), to: folder.path + "/metric.npz")
    for extra in run.metric.extras {
      try extra.value.write(to: "\(folder.path)/\(extra.name).npy")
    }
    if let embeddings, let result = run.result {
      let page = try RunReport(result, data: data, embeddings: embeddings, of: folder)
      try FileSystem.write(page.html(), to: folder.report)
    }
    try FileSystem.write(model, to: folder.model)
  } catch {
    if !existed { try? FileManager.default.removeItem(atPath: folder.path) }
    throw error
  }
}
