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
    .init("--part", "NAME", "which items of a run's data: test (default) or train"),
    .init("--base", "FOLDER", "the text encoder that a sentence-transformers head continues"),
    .init("--metric", "NAME", "automatic (default), inner-product or l2"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred export runs/quickstart --format faiss-flat --out digits.faiss",
  run: export)

private enum Part: String, CaseIterable { case test, train }

private func export(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  let (input, output) = (arguments.positionals[0], try arguments.required("--out"))
  let name = try arguments.required("--format")
  var options = try ExportOptions().setting(try arguments.settings("--params"), at: "--params")
  options.metric = try arguments.word("--metric", default: options.metric)
  let part = try arguments.word("--part", default: Part.test)

  if FileSystem.isFolder(input), let format = allModelFormats.first(where: { $0.name == name }) {
    let model = try ExportedModel(run: input, base: arguments.value("--base"))
    try format.value.write(model, to: output)
    report(output, format: name, rows: nil, arguments)
    return
  }
  let format = try vectorFormat(name, isRun: FileSystem.isFolder(input))
  var vectors: Tensor
  var calibration: RunCalibration?
  if FileSystem.isFolder(input) {
    calibration = try RunCalibration.of(run: input)
    let model = try TrainedModel(run: input)
    let (items, labels) = try embeddedPart(part, of: model, isQuiet: arguments.has("--json"))
    vectors = items.embeddings
    (options.labels, options.names) = (labels, items.names)
    options.threshold = threshold(calibration, options, of: vectors)
    try format.write(
      vectors, options: options, to: output, name: input, onProgress: building(arguments))
    try FileSystem.write(items.names.map { $0 + "\n" }.joined(), to: namesPath(beside: output))
    try NumPyArray(shape: [labels.count], elements: .int64(labels.map { Int64($0) }))
      .write(to: FileSystem.path(output, ending: ".labels.npy"))
  } else {
    let beside = calibrationPath(beside: input)
    if FileSystem.exists(beside) { calibration = try RunCalibration(path: beside) }
    vectors = try readMatrix(input)
    if let path = arguments.value("--labels") {
      options.labels = try LabelledMatrix(embeddings: input, labels: path).labels
    }
    options.threshold = threshold(calibration, options, of: vectors)
    try format.write(
      vectors, options: options, to: output, name: input, onProgress: building(arguments))
  }
  try carry(calibration, to: calibrationPath(beside: output))
  report(output, format: name, rows: vectors.shape[0], arguments)
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
  return { done, total in line.show("inserted \(done)/\(total)", done: done, of: total) }
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

/// Writes the threshold beside exported vectors, or takes away that of what they replace.
private func carry(_ calibration: RunCalibration?, to path: String) throws(Failure) {
  if let calibration {
    try calibration.write(to: path)
  } else if FileSystem.exists(path) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw Failure(
        .cannotWrite, at: path, "this threshold of other vectors cannot be taken away",
        remedy: "remove it, since the vectors beside it are new")
    }
  }
}

/// The embeddings and the classes of one part of the data that a run was trained on.
private func embeddedPart(
  _ part: Part, of model: TrainedModel, isQuiet: Bool
) throws(Failure) -> (items: EmbeddedItems, labels: [Int]) {
  let data = try model.recipe.data.value.load(
    root: dataRoot(environment: ProcessInfo.processInfo.environment))
  let items = part == .test ? data.test : data.train
  try model.check(items.itemShape, at: items.name)
  let progress = ProgressLine(isQuiet: isQuiet)
  defer { progress.finish() }
  let embeddings = embed(items, with: model.encoder) { done in
    progress.show("embedding \(done)/\(items.count)", done: done, of: items.count)
  }
  return (EmbeddedItems(embeddings: embeddings, names: items.itemNames), items.labels)
}

/// The embeddings of a run's test items, for searching.
func gallery(of model: TrainedModel, isQuiet: Bool) throws(Failure) -> EmbeddedItems {
  try embeddedPart(.test, of: model, isQuiet: isQuiet).items
}

private func report(_ output: String, format: String, rows: Int?, _ arguments: Arguments) {
  if arguments.has("--json") {
    var members: [String: JSONValue] = ["out": .string(output), "format": .string(format)]
    if let rows { members["rows"] = JSONValue(rows) }
    Terminal.printJSON(.object(members))
  } else {
    print("wrote \(rows.map { "\($0) vectors" } ?? "the model") to \(output) (\(format))")
  }
}
