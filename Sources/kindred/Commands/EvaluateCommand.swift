import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Settings
import Training

let evaluateCommand = Subcommand(
  name: "evaluate",
  summary: "Judge a run on its test classes or on other data, or judge given embeddings.",
  positionals: [.init(name: "RUN", summary: "a run folder", isRequired: false)],
  options: judgedItemsOptions + [
    .init("--embeddings", "E.npy", "embeddings to judge instead of a run"),
    .init("--labels", "Y.npy", "the class of each embedding"),
    .init("--gallery", "G.npy", "what to search; without it, the embeddings themselves"),
    .init("--gallery-labels", "H.npy", "the class of each row of the gallery"),
    .init("--distance", "NAME", "euclidean (default) or cosine"),
    .init(
      "--relevance", "KIND",
      "what a matrix of labels holds: levels (finest first) or sets (0 or 1 for each label)"),
    .init("--metrics", "NAME,...", "what to measure, also for other k: recall@3,map@100"),
    .init("--intervals", "bootstrap intervals of the retrieval metrics, over queries and classes"),
    .init("--per-class", "the retrieval metrics and the utility of each class, worst first"),
    .init("--groups", "G.npy", "a group of each query: the retrieval metrics group by group"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred evaluate --embeddings E.npy --labels Y.npy --json",
  run: evaluateRun)

private func evaluateRun(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  var options = EvaluationOptions()
  options.distance = try arguments.word("--distance", default: options.distance)
  if let names = arguments.value("--metrics") {
    options.metrics = names.split(separator: ",").map(String.init)
    for name in options.metrics { _ = try metric(named: name, at: "--metrics") }
  }
  if let run = arguments.positionals.first {
    guard !arguments.has("--embeddings") else {
      throw Failure(
        .badUsage, at: "kindred evaluate", "both a run and --embeddings are given",
        expected: "one of them")
    }
    let model = try TrainedModel(run: run)
    let test = try judgedItems(of: model, run: run, arguments)
    let set = model.embeddingSet(of: test, isQuiet: arguments.has("--json"))
    try judge(set, in: nil, options, classNames: test.classNames, arguments) {
      model.addingClosedSetAccuracy(to: $0, of: test, embeddings: set.embeddings)
    }
    return
  }
  if arguments.has("--relevance") {
    try judgeRelevance(options.distance, arguments)
    return
  }
  let query = try LabelledMatrix(
    embeddings: arguments.required("--embeddings"), labels: arguments.required("--labels"))
  var gallery: EmbeddingSet?
  if let path = arguments.value("--gallery") {
    let set = try LabelledMatrix(
      embeddings: path, labels: arguments.required("--gallery-labels"),
      dtype: query.embeddings.dtype)
    guard set.embeddings.shape[1] == query.embeddings.shape[1] else {
      throw Failure(
        .badData, at: path, "the rows have \(set.embeddings.shape[1]) numbers",
        expected: "\(query.embeddings.shape[1]), as the embeddings have")
    }
    gallery = EmbeddingSet(embeddings: set.embeddings, labels: set.labels)
  } else if arguments.has("--gallery-labels") {
    throw Failure(.badUsage, at: "--gallery-labels", "there is no --gallery")
  }
  try judge(
    EmbeddingSet(embeddings: query.embeddings, labels: query.labels), in: gallery, options,
    classNames: [], arguments)
}

private enum RelevanceKind: String, CaseIterable { case levels, sets }

/// Judges by several labels for each item.
private func judgeRelevance(
  _ distance: EvaluationOptions.Distance, _ arguments: Arguments
) throws(Failure) {
  let kind = try arguments.word("--relevance", default: RelevanceKind.levels)
  let embeddings = try readMatrix(try arguments.required("--embeddings"))
  let path = try arguments.required("--labels")
  let (count, width, values) = try NumPyArray.read(path).matrix(at: path, as: Double.self)
  guard let bad = values.first(where: { $0 != $0.rounded() || abs($0) > 1e15 }) else {
    let rows = (0..<count).map { Array(values[$0 * width..<($0 + 1) * width]) }
    let relevance: Relevance =
      kind == .levels
      ? .levels(rows.map { $0.map { Int($0) } }) : .labelSets(rows.map { $0.map { $0 != 0 } })
    let found = try evaluateRelevance(embeddings, relevance, distance: distance, name: path)
    if arguments.has("--json") {
      Terminal.printJSON(found.json)
      return
    }
    var table = Table(["metric", "value", "definition"])
    for entry in found.entries { table.append([entry.name, fixed(entry.value, 4), entry.id]) }
    print(table.text, terminator: "")
    print("\(found.queries) queries; \(found.loneQueries) without a relevant item are left out")
    return
  }
  throw Failure(.badData, at: path, "a label is \(bad)", expected: "whole numbers")
}

/// Measures, adds what only a run knows, and shows; class names are for labels that are their indices.
private func judge(
  _ query: EmbeddingSet, in gallery: EmbeddingSet?, _ options: EvaluationOptions,
  classNames: [String], _ arguments: Arguments,
  adding: (Evaluation) -> Evaluation = { $0 }
) throws(Failure) {
  let evaluation = adding(try evaluate(query: query, gallery: gallery, options: options))
  var details: [EvaluationDetail] = []
  if arguments.has("--intervals") { details.append(.intervals) }
  if arguments.has("--per-class") { details.append(.classes(classNames)) }
  if let path = arguments.value("--groups") {
    let groups = try NumPyArray.read(path).labels(at: path)
    guard groups.count == query.count else {
      throw Failure(
        .badData, at: path, "there are \(groups.count) groups",
        expected: "\(query.count), one for each query")
    }
    details.append(.groups(groups))
  }
  let tables = try details.isEmpty ? [] : detailTables(details, of: query, in: gallery, options)
  if arguments.has("--json") {
    guard case .object(var members) = evaluation.json else { return }
    for table in tables { members[table.key] = table.json }
    Terminal.printJSON(.object(members))
    return
  }
  show(evaluation)
  for table in tables { print("\n" + table.text, terminator: "") }
}

private func show(_ evaluation: Evaluation) {
  var table = Table(["metric", "value", "definition"])
  for entry in evaluation.entries {
    table.append([
      entry.name, entry.value.map { fixed($0, 4) } ?? "–",
      entry.value == nil ? entry.reason : entry.id,
    ])
  }
  print(table.text, terminator: "")
  print(
    "\(evaluation.queries) queries of \(evaluation.classes) classes; \(evaluation.loneQueries) "
      + "without a match are left out of the retrieval metrics")
}
