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
  /// Names and classes of the vectors, which are written beside them.
  private let names: [String]
  private let labels: GivenLabels?
  private let input: String

  /// Reads or embeds what is exported, and puts classes, names, ids and queries into the options.
  init(
    _ input: String, _ part: Part, _ arguments: Arguments, _ options: inout ExportOptions
  ) throws(Failure) {
    self.input = input
    if FileSystem.isFolder(input) {
      var found = try RunCalibration.of(run: input)
      // The thresholds of items are those of the test items.
      if part != .test { found?.perItem = nil }
      calibration = found
      let model = try TrainedModel(run: input)
      if arguments.has("--adapter") { options.adapter = try model.encoder.vectorTransforms() }
      let (embedded, labels) = try embeddedPart(part, of: model, isQuiet: arguments.has("--json"))
      vectors = embedded.embeddings
      (options.labels, options.classes) = (labels.numbered.classes, labels)
      options.names = embedded.names
      (names, self.labels) = (embedded.names, labels)
    } else {
      guard !arguments.has("--adapter") else {
        throw Failure(
          .badUsage, at: "--adapter", "\(input) is a file of vectors", expected: "a run folder")
      }
      let beside = calibrationPath(beside: input)
      calibration = FileSystem.exists(beside) ? try RunCalibration(path: beside) : nil
      vectors = try readMatrix(input)
      labels = try ExportSource.labels(of: input, count: vectors.shape[0], arguments)
      if let labels { (options.labels, options.classes) = (labels.numbered.classes, labels) }
      names = try rowNames(beside: input, count: vectors.shape[0])
      options.names = names
    }
    if let path = arguments.value("--ids") {
      options.ids = try NumPyArray.read(path).labels(at: path)
    }
    if let path = arguments.value("--queries") {
      options.queries = try readMatrix(path, dtype: .float32)
    }
  }

  /// Names, classes and threshold beside the vectors; nil takes away those of what they replace.
  func companions(beside output: String) -> [(path: String, bytes: [UInt8]?)] {
    var found: [(path: String, bytes: [UInt8]?)] = [
      (calibrationPath(beside: output), calibration.map { Array($0.json.indented.utf8) })
    ]
    // E.npy and an index E.faiss of it have the same names.
    if !names.isEmpty || namesPath(beside: output) != namesPath(beside: input) {
      found.append((namesPath(beside: output), names.isEmpty ? nil : NameList.bytes(names)))
    }
    if let labels, labelsPath(beside: output) != labelsPath(beside: input) {
      found.append((labelsPath(beside: output), labels.array.bytes()))
    }
    return found
  }

  /// The classes of a file of vectors, which `--labels` gives: what lies beside it may be of others.
  private static func labels(
    of input: String, count: Int, _ arguments: Arguments
  ) throws(Failure) -> GivenLabels? {
    guard let path = arguments.value("--labels") else { return nil }
    let labels = try GivenLabels.read(path, count: count)
    guard labels.count == count else {
      throw Failure(
        .badData, at: path, "there are \(labels.count) labels",
        expected: "\(count), one for each row of \(input)")
    }
    return labels
  }
}

/// The embeddings and the classes of one part of the data that a run was trained on.
func embeddedPart(
  _ part: Part, of model: TrainedModel, isQuiet: Bool
) throws(Failure) -> (items: EmbeddedItems, labels: GivenLabels) {
  let data = try model.recipe.data.value.load(
    root: dataRoot(environment: ProcessInfo.processInfo.environment))
  let (items, others) = part == .test ? (data.test, data.train) : (data.train, data.test)
  try model.check(items.itemShape, at: items.name)
  let progress = ProgressLine(isQuiet: isQuiet)
  defer { progress.finish() }
  let embeddings = embed(items, with: model.encoder) { done in
    progress.show("embedding \(done)/\(items.count)", done: done, of: items.count)
  }
  return (
    EmbeddedItems(embeddings: embeddings, names: items.itemNames),
    GivenLabels(classes: items.labels, names: items.classNames, kin: others.classNames)
  )
}
