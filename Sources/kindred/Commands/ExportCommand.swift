import Autodiff
import Data
import Files
import Foundation
import Index
import Settings
import Training

let exportCommand = Subcommand(
  name: "export",
  summary: "Write a run's model or embeddings, or given embeddings, for other engines.",
  positionals: [.init(name: "RUN|E.npy", summary: "a run folder, or a file of embeddings")],
  options: [
    .init("--format", "FORMAT", "see kindred list formats"),
    .init(
      "--out", "FILE",
      "the file to write; of a run, names, classes and threshold of its rows lie beside it"),
    .init("--params", "JSON5", "settings of the index, as in '{links: 32, efConstruction: 400}'"),
    .init("--labels", "Y.npy", "the class of each vector of E.npy"),
    sideOption,
    .init("--part", "NAME", "which items of a run's data: test (default) or train"),
    .init("--base", "FOLDER", "the text encoder that a sentence-transformers head continues"),
    .init(
      "--calibration", "FILE", "what kindred calibrate wrote (default: what lies beside E.npy)"),
    .init("--metric", "NAME", "automatic (default), inner-product or l2"),
    .init("--ids", "I.npy", "the id of each vector (default: its row)"),
    .init("--queries", "Q.npy", "queries like those to come, for leanvec-queries and --quality"),
    .init("--shards", "N", "cut the vectors into N files, E-00001-of-0000N and so on"),
    .init("--adapter", nil, "put a run's linear model into the index, which then takes raw items"),
    .init(
      "--quality", "FORMS", "compare forms with exact search: all, or a list as in pca:32,hnsw@64"),
    .init("--budget", "SIZE", "the largest file to recommend, as in 64MiB"),
    .init("--recall", "SHARE", "the least recall@10 to recommend, as in 0.99"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred export runs/quickstart --format faiss-flat --out digits.faiss",
  run: export)

enum Part: String, CaseIterable { case test, train }

private func export(_ arguments: Arguments) throws {
  let (input, output) = (arguments.positionals[0], try arguments.required("--out"))
  let name = try arguments.required("--format")
  var options = try ExportOptions().setting(try arguments.settings("--params"), at: "--params")
  options.metric = try arguments.word("--metric", default: options.metric)
  let part = try arguments.word("--part", default: Part.test)

  if FileSystem.isFolder(input), let format = allModelFormats.first(where: { $0.name == name }) {
    try refuse(
      ["--quality", "--shards", "--ids", "--adapter", "--queries"],
      "'\(name)' is a format of models", arguments)
    let base = arguments.value("--base")
    let model: ExportedModel
    if AnyRecipe.isOfPairs(run: input) {
      model = try ExportedModel(run: input, side: try arguments.side(), base: base)
    } else {
      try arguments.refuseSide(of: input)
      model = try ExportedModel(run: input, base: base)
    }
    try format.value.write(model, to: output)
    report(output, format: name, rows: nil, arguments)
    return
  }
  if !arguments.has("--quality") {
    try refuse(["--budget", "--recall"], "nothing is measured without --quality", arguments)
    guard name != "recommended" else {
      throw Failure(
        .badUsage, at: "--format", "nothing is recommended without --quality",
        expected: "--quality all, or a list of forms")
    }
  } else if name != "recommended" {
    // What cannot be written is told before anything is measured.
    _ = try vectorFormat(name, isRun: FileSystem.isFolder(input))
  }
  let isRun = FileSystem.isFolder(input)
  let source = try ExportSource(input, part, arguments, &options)
  options.threshold = threshold(source.calibration, options, of: source.vectors)
  var (chosen, table): (String, QualityTable?) = (name, nil)
  if arguments.has("--quality") {
    let found = try QualityTable(source, options, arguments)
    if name == "recommended" { (chosen, options) = try found.recommendation(options) }
    table = found
  }
  let format = try vectorFormat(chosen, isRun: isRun)
  let progress = building(arguments)
  let files = try format.write(
    source.vectors, options: options, to: output,
    shards: try arguments.wholeNumber("--shards", in: 1...99_999) ?? 1,
    companions: try source.companions(beside: output, options)
      + [(qualityPath(beside: output), table.map { Array($0.json.indented.utf8) })],
    name: input, onProgress: progress)
  report(
    output, format: chosen, rows: source.vectors.shape[0], files: files, table: table, arguments)
}

/// Fails if an option is given that has no meaning here.
private func refuse(
  _ options: [String], _ reason: String, _ arguments: Arguments
) throws(Failure) {
  if let option = options.first(where: { arguments.has($0) }) {
    throw Failure(.badUsage, at: option, reason, remedy: "leave the option out")
  }
}

/// The calibrated threshold in the metric of an export: a similarity, or a negated distance.
private func threshold(
  _ calibration: RunCalibration?, _ options: ExportOptions, of vectors: Tensor
) -> Double? {
  guard let calibration = calibration?.calibration else { return nil }
  return options.metric(for: vectors) == .innerProduct
    ? calibration.similarity : -calibration.distance
}

/// Shows how far a graph is built.
private func building(_ arguments: Arguments) -> BuildProgress {
  let line = ProgressLine(isQuiet: arguments.has("--json"))
  return { done, total in line.show("building \(done)/\(total)", done: done, of: total) }
}

/// The format of vectors of this name; names of formats of models are known too.
private func vectorFormat(_ name: String, isRun: Bool) throws(Failure) -> ExportFormat {
  if let known = allFormats.first(where: { $0.name == name }) { return known.value }
  guard allModelFormats.contains(where: { $0.name == name }) else {
    let names = allFormats.map(\.name) + (isRun ? allModelFormats.map(\.name) : [])
    throw Failure(
      .badUsage, at: "--format", "there is no format '\(name)'",
      remedy: suggestion(for: name, among: names))
  }
  throw Failure(
    .badUsage, at: "--format", "'\(name)' is a format of models, and this is a file of vectors",
    expected: "a run folder, or one of: " + allFormats.map(\.name).joined(separator: ", "))
}

/// Where the threshold of a file of vectors lies: E.calibration.json beside E.npy.
func calibrationPath(beside file: String) -> String {
  FileSystem.path(file, ending: ".calibration.json")
}

/// The embeddings of a run's test items, for searching.
func gallery(of model: TrainedModel, isQuiet: Bool) throws(Failure) -> EmbeddedItems {
  try embeddedPart(.test, of: model, isQuiet: isQuiet).items
}

private func report(
  _ output: String, format: String, rows: Int?, files: [String] = [], table: QualityTable? = nil,
  _ arguments: Arguments
) {
  if arguments.has("--json") {
    var members: [String: JSONValue] = ["out": .string(output), "format": .string(format)]
    if let rows { members["rows"] = JSONValue(rows) }
    if files.count > 1 { members["files"] = .array(files.map { .string($0) }) }
    if let table { members["quality"] = table.json }
    Terminal.printJSON(.object(members))
    return
  }
  if let table { print(table.text, terminator: "") }
  let place = files.count > 1 ? "\(files[0]) and \(files.count - 1) more" : output
  print("wrote \(rows.map { "\($0) vectors" } ?? "the model") to \(place) (\(format))")
}
