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
  /// What is known of their space, which goes with them.
  private let space: VectorSpace
  /// Names and classes of the vectors, which are written beside them.
  private let names: [String]
  private let labels: GivenLabels?
  private let input: String

  /// Reads or embeds what is exported, and puts classes, names, ids and queries into the options.
  init(
    _ input: String, _ part: Part, _ arguments: Arguments, _ options: inout ExportOptions
  ) throws(Failure) {
    self.input = input
    if FileSystem.isFolder(input), AnyRecipe.isOfPairs(run: input) {
      let embedded = try embeddedSide(ofRun: input, part, arguments)
      vectors = embedded.embeddings
      space = VectorSpace(of: vectors, model: try RunFolder(input).modelChecksum())
      (names, labels, calibration) = (embedded.names, nil, nil)
      options.names = names.withoutCommonFolder
    } else if FileSystem.isFolder(input) {
      try arguments.refuseSide(of: input)
      let model = try TrainedModel(run: input)
      let checksum = try RunFolder(input).modelChecksum()
      if arguments.has("--adapter") { options.adapter = try model.encoder.vectorTransforms() }
      let (embedded, labels) = try embeddedPart(part, of: model, isQuiet: arguments.has("--json"))
      vectors = embedded.embeddings
      space = VectorSpace(of: vectors, model: checksum)
      var found =
        arguments.has("--calibration")
        ? try ExportSource.calibration(of: input, in: space, arguments)
        : try RunCalibration.of(run: input)
      // The thresholds of items are those of the test items.
      if part != .test { found?.perItem = nil }
      calibration = found
      (options.labels, options.classes) = (labels.numbered.classes, labels)
      options.names = embedded.names.withoutCommonFolder
      (names, self.labels) = (options.names, labels)
    } else {
      try arguments.refuseSide(of: input)
      guard !arguments.has("--adapter") else {
        throw Failure(
          .badUsage, at: "--adapter", "\(input) is a file of vectors", expected: "a run folder")
      }
      vectors = try readMatrix(input)
      labels = try ExportSource.labels(of: input, count: vectors.shape[0], arguments)
      if let labels { (options.labels, options.classes) = (labels.numbered.classes, labels) }
      space =
        if let known = try VectorSpace(beside: input) { known } else {
          VectorSpace(of: vectors, model: nil)
        }
      calibration =
        vectors.shape[0] == 0
        ? nil : try ExportSource.calibration(of: input, in: space, arguments)
      names = try rowNames(beside: input, count: vectors.shape[0])
      options.names = names.withoutCommonFolder
    }
    if let path = arguments.value("--ids") {
      options.ids = try NumPyArray.read(path).labels(at: path)
    }
    if let path = arguments.value("--queries") {
      options.queries = try readMatrix(path, dtype: .float32)
    }
  }

  /// Names, classes, space and threshold beside the vectors; nil takes away those of what they replace.
  ///
  /// A file of labels that lies there already may be the user's own, so it stays; but it is not taken
  /// for the classes of these vectors.
  func companions(
    beside output: String, _ options: ExportOptions
  ) throws(Failure) -> [(path: String, bytes: [UInt8]?)] {
    var space = space
    let labelFile = labelsPath(beside: output)
    // E.npy and an index E.faiss of it have the same labels.
    let isShared = labelFile == labelsPath(beside: input)
    let known = FileSystem.exists(labelFile) ? try? GivenLabels.read(labelFile) : nil
    if isShared, let labels, let known, known != labels {
      throw Failure(
        .badData, at: labelFile, "these are other labels of \(input) than those of --labels",
        remedy: "choose another name for --out, or take the file away")
    }
    if !isShared { space.earlierLabels = labels == nil ? try checksum(of: labelFile) : nil }
    if !isShared, space.earlierLabels != nil {
      Terminal.printError(
        "kindred: note: \(labelFile) was there before and is not taken for the classes of these "
          + "vectors; give them with --labels")
    }
    space.metric = options.metric(for: vectors)
    if !options.adapter.isEmpty { space.takesItems = true }
    var calibration = calibration
    calibration?.data.removeFolders()
    var found: [(path: String, bytes: [UInt8]?)] = [(VectorSpace.path(beside: output), space.bytes)]
    let thresholdFile = calibrationPath(beside: output)
    if calibration != nil || thresholdFile != calibrationPath(beside: input) {
      found.append((thresholdFile, calibration.map { Array($0.json.indented.utf8) }))
    }
    // E.npy and an index E.faiss of it have the same names.
    if namesPath(beside: output) != namesPath(beside: input) {
      let given = names.withoutCommonFolder
      found.append((namesPath(beside: output), names.isEmpty ? nil : NameList.bytes(given)))
    }
    if let labels, labels != known { found.append((labelFile, labels.array.bytes())) }
    return found
  }

  /// The threshold that `--calibration` gives or that lies beside a file, if it is one of such vectors.
  private static func calibration(
    of input: String, in space: VectorSpace, _ arguments: Arguments
  ) throws(Failure) -> RunCalibration? {
    let (given, beside) = (arguments.value("--calibration"), calibrationPath(beside: input))
    guard let path = given ?? (FileSystem.exists(beside) ? beside : nil) else { return nil }
    let found = try RunCalibration(path: path)
    var problem: String?
    if found.calibration.isUnit != space.isUnit {
      func lengths(_ isUnit: Bool) -> String { isUnit ? "unit length" : "any length" }
      problem =
        "the threshold is for vectors of \(lengths(found.calibration.isUnit)), and those of \(input) "
        + "have \(lengths(space.isUnit))"
    } else if let model = space.model, !found.model.isEmpty, found.model != model {
      problem =
        "this is the threshold of another model (\(found.model)) than that of \(input) (\(model))"
    }
    guard let problem else { return found }
    guard given == nil else {
      throw Failure(.badData, at: path, problem, remedy: "calibrate on vectors like these")
    }
    Terminal.printError("kindred: note: \(path): \(problem); it does not go along")
    return nil
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

extension [String] {
  /// Paths of this machine without the folder that all of them have in common, which is nobody else's
  /// concern; other names as they are.
  var withoutCommonFolder: [String] {
    guard let first, allSatisfy({ $0.hasPrefix("/") }) else { return self }
    var common = first.split(separator: "/", omittingEmptySubsequences: false).dropLast()[...]
    for name in self {
      let folders = name.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      common = common.prefix(zip(common, folders).prefix { $0 == $1 }.count)
    }
    let length = common.reduce(0) { $0 + $1.utf8.count + 1 }
    return map { String(decoding: $0.utf8.dropFirst(length), as: UTF8.self) }
  }
}

extension String {
  /// A path of this machine at the beginning becomes its last part.
  fileprivate mutating func removeFolders() {
    guard hasPrefix("/") else { return }
    let end = range(of: ": ")?.lowerBound ?? endIndex
    guard let slash = self[..<end].lastIndex(of: "/") else { return }
    removeSubrange(startIndex...slash)
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
  let embeddings = try embed(items, with: model.encoder) { done in
    progress.show("embedding \(done)/\(items.count)", done: done, of: items.count)
  }
  return (
    EmbeddedItems(embeddings: embeddings, names: items.itemNames),
    GivenLabels(classes: items.labels, names: items.classNames, kin: others.classNames)
  )
}

/// All documents of a run of queries and documents, or the queries of a part.
private func embeddedSide(
  ofRun path: String, _ part: Part, _ arguments: Arguments
) throws(Failure) -> EmbeddedItems {
  guard !arguments.has("--adapter") else {
    throw Failure(
      .badUsage, at: "--adapter", "documents go into the index as they are embedded",
      remedy: "leave the option out, and embed queries with kindred embed --side query")
  }
  let model = try PairModel(run: path)
  let data = try pairedData(of: model, arguments)
  guard try arguments.side(default: .document) == .query else {
    guard !arguments.has("--part") else {
      throw Failure(
        .badUsage, at: "--part", "all documents are exported", expected: "none, or --side query")
    }
    return try model.embed(data, as: .document)
  }
  return try model.embed(data, as: .query, rows: part == .test ? data.test : data.train)
}
