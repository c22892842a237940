import Autodiff
import Data
import Evaluation
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
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred evaluate --embeddings E.npy --labels Y.npy --json",
  run: evaluateRun)

private func evaluateRun(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  var options = EvaluationOptions()
  options.distance = try arguments.word("--distance", default: options.distance)
  if let run = arguments.positionals.first {
    guard !arguments.has("--embeddings") else {
      throw Failure(
        .badUsage, at: "kindred evaluate", "both a run and --embeddings are given",
        expected: "one of them")
    }
    let model = try TrainedModel(run: run)
    let test = try judgedItems(of: model, run: run, arguments)
    let evaluation = try evaluate(
      query: model.embeddingSet(of: test, isQuiet: arguments.has("--json")),
      gallery: nil, options: options)
    show(evaluation, arguments)
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
  show(
    try evaluate(
      query: EmbeddingSet(embeddings: query.embeddings, labels: query.labels), gallery: gallery,
      options: options), arguments)
}

private func show(_ evaluation: Evaluation, _ arguments: Arguments) {
  if arguments.has("--json") {
    Terminal.printJSON(evaluation.json)
    return
  }
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
