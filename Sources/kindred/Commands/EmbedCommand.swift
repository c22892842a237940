import Autodiff
import Data
import Files
import Index
import Settings
import Training

let embedCommand = Subcommand(
  name: "embed",
  summary: "Embed pictures or vectors by a trained run.",
  positionals: [.init(name: "RUN", summary: "a run folder")],
  options: [
    .init("--input", "FOLDER|FILE", "a folder of pictures, a picture, or an .npy file of items"),
    .init(
      "--out", "E.npy", "the embeddings; E.paths.txt and, of class folders, E.labels.npy beside it"),
    .init("--shard", "i/N", "embed the i-th of N parts; kindred merge puts parts together"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred embed runs/quickstart --input examples/pictures --out E.npy",
  run: embedItems)

private func embedItems(_ arguments: Arguments) throws {
  let (input, output) = (try arguments.required("--input"), try arguments.required("--out"))
  let model = try TrainedModel(run: arguments.positionals[0])
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  let shard = try arguments.value("--shard").map { text throws(Failure) in
    try Shard(text, at: "--shard")
  }
  let (items, range, allNames) = try model.embed(input, shard: shard) { done, total in
    progress.show("embedding \(done)/\(total)", done: done, of: total)
  }
  let names = allNames.withoutCommonFolder
  progress.finish()
  let run = arguments.positionals[0]
  let record = try shard.map { _ throws(Failure) in
    try ShardRecord(range, names: names, run: run)
  }
  // The folders of pictures are their classes.
  let classes = FileSystem.isFolder(input) ? pictureClasses(allNames, at: input) : nil
  let space = VectorSpace(of: items.embeddings, model: try RunFolder(run).modelChecksum())
  try write(
    items.embeddings, names: Array(names[range]), classes: classes.map { Array($0[range]) }, record,
    space: space, calibration: try threshold(of: run), to: output)
  let (rows, columns) = (items.embeddings.shape[0], items.embeddings.shape[1])
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(rows), "columns": JSONValue(columns), "out": .string(output),
    ])
  } else {
    print("\(rows) embeddings of \(columns) numbers in \(output)")
  }
}

/// The threshold of a run, which holds for all that it embeds; nil, and a word, if it is that of a
/// model that the run no longer has.
private func threshold(of run: String) throws(Failure) -> RunCalibration? {
  guard FileSystem.exists(RunFolder(run).calibration) else { return nil }
  var found = try RunCalibration(path: RunFolder(run).calibration)
  guard found.model == (try RunFolder(run).modelChecksum()) else {
    Terminal.printError(
      "kindred: note: \(RunFolder(run).calibration) is of another model than the run has now; no "
        + "threshold goes with the embeddings (calibrate again)")
    return nil
  }
  // Those of single items are of the run's test items.
  found.perItem = nil
  return found
}

/// Writes embeddings with the names and classes of their rows and what is known of their space; what
/// belonged to others that were there before goes.
func write(
  _ embeddings: Tensor, names: [String], classes: [String]? = nil, _ record: ShardRecord? = nil,
  space: VectorSpace? = nil, calibration: RunCalibration? = nil, to path: String
) throws(Failure) {
  let labels = classes.map { [(labelsPath(beside: path), GivenLabels(texts: $0).array.bytes())] }
  try FileSystem.write(
    [
      (path, NumPyArray(embeddings).bytes()), (namesPath(beside: path), NameList.bytes(names)),
      (shardPath(beside: path), record.map { Array($0.json.indented.utf8) }),
      (VectorSpace.path(beside: path), space?.bytes),
      (calibrationPath(beside: path), calibration.map { Array($0.json.indented.utf8) }),
      (qualityPath(beside: path), nil),
    ] + (labels ?? []))
}

/// The names of a file's rows; none if there are none beside it, or those of other rows.
func rowNames(beside path: String, count: Int) throws(Failure) -> [String] {
  let file = namesPath(beside: path)
  guard FileSystem.exists(file) else { return [] }
  let names = try NameList.read(file)
  return names.count == count ? names : []
}

/// The classes of a file's rows; nil if there are none beside it, or those of other rows.
func rowClasses(beside path: String, count: Int) throws(Failure) -> GivenLabels? {
  let file = labelsPath(beside: path)
  guard FileSystem.exists(file) else { return nil }
  let labels = try GivenLabels.read(file, count: count)
  return labels.count == count ? labels : nil
}

/// Where the classes of the rows of a file of vectors lie: E.labels.npy beside E.npy.
func labelsPath(beside file: String) -> String { FileSystem.path(file, ending: ".labels.npy") }

/// Where the names of the rows of a file of vectors lie: E.paths.txt beside E.npy.
func namesPath(beside file: String) -> String { FileSystem.path(file, ending: ".paths.txt") }

/// Where a part of embeddings says which part it is: E.shard.json beside E.npy.
func shardPath(beside file: String) -> String { FileSystem.path(file, ending: ".shard.json") }
