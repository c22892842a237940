import Autodiff
import Data
import Files
import Foundation
import Index
import Settings
import Training

/// What is exported: vectors, and what lies beside them.
struct ExportSource {
  let vectors: Tensor
  let calibration: RunCalibration?
  /// Names and classes of a run's items, which are written beside its vectors.
  private let items: (names: [String], labels: [Int])?

  /// Reads or embeds what is exported, and puts classes, names, ids and queries into the options.
  init(
    _ input: String, _ part: Part, _ arguments: Arguments, _ options: inout ExportOptions
  ) throws(Failure) {
    if FileSystem.isFolder(input) {
      var found = try RunCalibration.of(run: input)
      // The thresholds of items are those of the test items.
      if part != .test { found?.perItem = nil }
      calibration = found
      let model = try TrainedModel(run: input)
      if arguments.has("--adapter") { options.adapter = try model.encoder.vectorTransforms() }
      let (embedded, labels) = try embeddedPart(part, of: model, isQuiet: arguments.has("--json"))
      vectors = embedded.embeddings
      (options.labels, options.names) = (labels, embedded.names)
      items = (embedded.names, labels)
    } else {
      guard !arguments.has("--adapter") else {
        throw Failure(
          .badUsage, at: "--adapter", "\(input) is a file of vectors", expected: "a run folder")
      }
      let beside = calibrationPath(beside: input)
      calibration = FileSystem.exists(beside) ? try RunCalibration(path: beside) : nil
      vectors = try readMatrix(input)
      if let path = arguments.value("--labels") {
        options.labels = try LabelledMatrix(embeddings: input, labels: path).labels
      }
      items = nil
    }
    if let path = arguments.value("--ids") {
      options.ids = try NumPyArray.read(path).labels(at: path)
    }
    if let path = arguments.value("--queries") {
      options.queries = try readMatrix(path, dtype: .float32)
    }
  }

  /// Writes names, classes and threshold beside the vectors.
  func writeCompanions(beside output: String) throws(Failure) {
    if let (names, labels) = items {
      try FileSystem.write(names.map { $0 + "\n" }.joined(), to: namesPath(beside: output))
      try NumPyArray(shape: [labels.count], elements: .int64(labels.map { Int64($0) }))
        .write(to: FileSystem.path(output, ending: ".labels.npy"))
    }
    try carry(calibration, to: calibrationPath(beside: output))
  }
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
func embeddedPart(
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
