import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Index
import Settings
import Training

let evaluateCommand = Subcommand(
  name: "evaluate",
  summary:
    "Judge a run on its test classes or queries or on other data, or judge given embeddings.",
  positionals: [.init(name: "RUN", summary: "a run folder", isRequired: false)],
  options: judgedItemsOptions + [
    .init("--embeddings", "E.npy", "embeddings to judge instead of a run"),
    .init("--labels", "Y.npy", "the class of each embedding"),
    .init("--gallery", "G.npy", "what to search; without it, the embeddings themselves"),
    .init("--gallery-labels", "H.npy", "the class of each row of the gallery"),
    .init(
      "--exclude-groups", "G.npy",
      "a group of each item, such as its camera: pairs of one class and group do not count"),
    .init("--gallery-groups", "H.npy", "the group of each row of the gallery"),
    .init("--clusters", "C.npy", "the cluster of each item, to judge instead of those of k-means"),
    .init("--distance", "NAME", "euclidean (default) or cosine"),
    .init(
      "--relevance", "KIND",
      "what a matrix of labels holds: levels (finest first) or sets (0 or 1 for each label)"),
    .init("--metrics", "NAME,...", "what to measure, also for other k: recall@3,map@100"),
    .init("--intervals", "bootstrap intervals of the retrieval metrics, over queries and classes"),
    .init("--per-class", "the retrieval metrics and the utility of each class, worst first"),
    .init("--utilization", "how near a run's test items lie to its training items"),
    .init("--groups", "G.npy", "a group of each query: the retrieval metrics group by group"),
  ] + Subcommand.common,
  example: "kindred evaluate --embeddings E.npy --labels Y.npy --json",
  run: evaluateRun)

/// Multiplications of k-means of about five seconds, which are done without being asked for.
let defaultClusteringLimit = 2e11

private func evaluateRun(_ arguments: Arguments) throws {
  if let run = arguments.positionals.first, AnyRecipe.isOfPairs(run: run) {
    try evaluatePairs(run: run, arguments)
    return
  }
  var options = EvaluationOptions()
  options.distance = try arguments.word("--distance", default: options.distance)
  // Asked for by name, clusters take as long as they take.
  if !arguments.has("--metrics") { options.clusteringLimit = defaultClusteringLimit }
  if let names = arguments.value("--metrics") {
    options.metrics = names.split(separator: ",").map(String.init)
    for name in options.metrics { _ = try metric(named: name, at: "--metrics") }
  }
  if let path = arguments.value("--clusters") {
    options.clusters = try GivenLabels.read(path).numbered.classes
  }
  if let run = arguments.positionals.first {
    guard !arguments.has("--embeddings") else {
      throw Failure(
        .badUsage, at: "kindred evaluate", "both a run and --embeddings are given",
        expected: "one of them")
    }
    let model = try TrainedModel(run: run)
    let test = try judgedItems(of: model, run: run, arguments)
    let groups = try groups(arguments)
    let set = try model.embeddingSet(of: test, isQuiet: arguments.has("--json"))
      .grouped(by: groups.queries)
    // Classes of other data may be called alike and be others.
    let overlap =
      arguments.has("--data") ? nil : ClassOverlap(trained: model.classNames, test: test)
    try judge(set, in: nil, options, classNames: test.classNames, overlap, arguments) {
      (evaluation) throws(Failure) in
      let found = model.addingClosedSetAccuracy(
        to: evaluation, of: test, embeddings: set.embeddings)
      guard arguments.has("--utilization") else { return found }
      let training = try model.embeddingSet(
        of: try trainingItems(of: model, at: run), isQuiet: arguments.has("--json"))
      return found.adding(
        name: "utilization", id: utilizationDefinition,
        value: try utilization(of: set.embeddings, by: training.embeddings), reason: "")
    }
    return
  }
  guard !arguments.has("--utilization") else {
    throw Failure(.badUsage, at: "--utilization", "there is no run", expected: "a run folder")
  }
  if arguments.has("--relevance") {
    try judgeByRelevance(options.distance, arguments)
    return
  }
  var query = try LabelledMatrix(
    embeddings: arguments.required("--embeddings"), labels: arguments.required("--labels"))
  var gallery: EmbeddingSet?
  let groups = try groups(arguments)
  if let path = arguments.value("--gallery") {
    var set = try LabelledMatrix(
      embeddings: path, labels: arguments.required("--gallery-labels"))
    query.matchPrecision(of: &set)
    try checkSpaces(path, arguments.required("--embeddings"))
    guard set.embeddings.shape[1] == query.embeddings.shape[1] else {
      throw Failure(
        .badData, at: path, "the rows have \(set.embeddings.shape[1]) numbers",
        expected: "\(query.embeddings.shape[1]), as the embeddings have")
    }
    query.align(with: &set)
    gallery = try EmbeddingSet(embeddings: set.embeddings, labels: set.labels, name: path)
      .grouped(by: groups.gallery)
    guard arguments.has("--exclude-groups") == arguments.has("--gallery-groups") else {
      throw Failure(
        .badUsage, at: "kindred evaluate", "groups of only one of queries and gallery are given",
        expected: "both --exclude-groups and --gallery-groups, or none")
    }
  } else if let name = ["--gallery-labels", "--gallery-groups"].first(where: arguments.has) {
    throw Failure(.badUsage, at: name, "there is no --gallery")
  }
  let set = try EmbeddingSet(embeddings: query.embeddings, labels: query.labels)
    .grouped(by: groups.queries)
  try judge(set, in: gallery, options, classNames: query.classNames, nil, arguments)
}

/// Refuses queries and a gallery of different models; says so where one of them is not known.
private func checkSpaces(_ gallery: String, _ queries: String) throws(Failure) {
  let paths = [gallery, queries]
  let models = try paths.map { (path) throws(Failure) -> String? in
    try VectorSpace(beside: path)?.model
  }
  if let own = models[0], let other = models[1], own != other {
    throw Failure(
      .badData, at: queries,
      "the queries are of another model (\(other)) than \(gallery) (\(own))",
      remedy: "embed both with one run")
  }
  guard let known = models.firstIndex(where: { $0 != nil }), models.contains(nil) else { return }
  Terminal.printError(
    "kindred: note: \(paths[known]) holds embeddings of a run and \(paths[1 - known]) does not say "
      + "what made it: they may be of different spaces")
}

extension EmbeddingSet {
  /// The same with groups, if there are some.
  fileprivate func grouped(by groups: Groups?) throws(Failure) -> EmbeddingSet {
    guard let (path, groups) = groups else { return self }
    guard groups.count == count else {
      throw Failure(
        .badData, at: path, "there are \(groups.count) groups",
        expected: "\(count), one for each item")
    }
    return EmbeddingSet(embeddings: embeddings, labels: labels, groups: groups, name: name)
  }
}

private typealias Groups = (path: String, numbers: [Int])

/// The groups of queries and gallery; equal ones have equal numbers.
private func groups(_ arguments: Arguments) throws(Failure) -> (queries: Groups?, gallery: Groups?)
{
  var lists: [GivenLabels] = []
  let paths = ["--exclude-groups", "--gallery-groups"].map { arguments.value($0) }
  for path in paths { if let path { lists.append(try GivenLabels.read(path)) } }
  var numbers = GivenLabels.numbered(lists).classes[...]
  let found = paths.map { path in path.map { ($0, numbers.removeFirst()) } }
  return (found[0], found[1])
}

/// Measures, adds what only a run knows, and shows; class names are for labels that are their indices.
private func judge(
  _ query: EmbeddingSet, in gallery: EmbeddingSet?, _ options: EvaluationOptions,
  classNames: [String], _ overlap: ClassOverlap? = nil, _ arguments: Arguments,
  adding: (Evaluation) throws(Failure) -> Evaluation = { $0 }
) throws(Failure) {
  let evaluation = try adding(try evaluate(query: query, gallery: gallery, options: options))
  var details: [EvaluationDetail] = []
  if arguments.has("--intervals") { details.append(.intervals) }
  if arguments.has("--per-class") { details.append(.classes(classNames)) }
  if let path = arguments.value("--groups") {
    let (groups, names) = try GivenLabels.read(path).numbered
    guard groups.count == query.count else {
      throw Failure(
        .badData, at: path, "there are \(groups.count) groups",
        expected: "\(query.count), one for each query")
    }
    details.append(.groups(groups, names))
  }
  let tables = try details.isEmpty ? [] : detailTables(details, of: query, in: gallery, options)
  if arguments.has("--json") {
    guard case .object(var members) = evaluation.json else { return }
    for table in tables { members[table.key] = table.json }
    if let overlap { members["classOverlap"] = overlap.json }
    Terminal.printJSON(.object(members))
    return
  }
  show(evaluation)
  if let overlap { print("Judged on \(overlap.words).") }
  for table in tables { print("\n" + table.text, terminator: "") }
}

/// Shows every number with its definition.
func show(_ evaluation: Evaluation) {
  var table = Table(["metric", "value", "definition"])
  for entry in evaluation.entries {
    table.append([
      entry.name, entry.value.map { fixed($0, 4) } ?? "–",
      entry.value == nil ? entry.reason : entry.id,
    ])
  }
  print(table.text, terminator: "")
  print(
    "\(evaluation.queries) queries\(evaluation.classes.map { " of \($0) classes" } ?? ""); "
      + "\(evaluation.loneQueries) without a match are left out of the retrieval metrics")
}
