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
  let (items, range, names) = try model.embed(input, shard: shard) { done, total in
    progress.show("embedding \(done)/\(total)", done: done, of: total)
  }
  progress.finish()
  let record = try shard.map { _ throws(Failure) in
    try ShardRecord(range, names: names, run: arguments.positionals[0])
  }
  // The folders of pictures are their classes.
  let classes = FileSystem.isFolder(input) ? pictureClasses(names, at: input) : nil
  try write(
    items.embeddings, names: items.names, classes: classes.map { Array($0[range]) }, record,
    to: output)
  let (rows, columns) = (items.embeddings.shape[0], items.embeddings.shape[1])
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(rows), "columns": JSONValue(columns), "out": .string(output),
    ])
  } else {
    print("\(rows) embeddings of \(columns) numbers in \(output)")
  }
}

/// Writes embeddings with the names and classes of their rows; a threshold of what was there before
/// goes.
func write(
  _ embeddings: Tensor, names: [String], classes: [String]? = nil, _ record: ShardRecord? = nil,
  to path: String
) throws(Failure) {
  let labels = classes.map { [(labelsPath(beside: path), GivenLabels(texts: $0).array.bytes())] }
  try FileSystem.write(
    [
      (path, NumPyArray(embeddings).bytes()), (namesPath(beside: path), NameList.bytes(names)),
      (shardPath(beside: path), record.map { Array($0.json.indented.utf8) }),
      (calibrationPath(beside: path), nil), (qualityPath(beside: path), nil),
    ] + (labels ?? []))
}

/// The names of a file's rows; none if there are none beside it, or those of other rows.
func rowNames(beside path: String, count: Int) throws(Failure) -> [String] {
  let file = namesPath(beside: path)
  guard FileSystem.exists(file) else { return [] }
  let names = try NameList.read(file)
  return names.count == count ? names : []
}

/// Where the names of the rows of a file of vectors lie: E.paths.txt beside E.npy.
func namesPath(beside file: String) -> String { FileSystem.path(file, ending: ".paths.txt") }

/// Where the classes of the rows of a file of vectors lie: E.labels.npy beside E.npy.
func labelsPath(beside file: String) -> String { FileSystem.path(file, ending: ".labels.npy") }

/// Where a part of embeddings says which part it is: E.shard.json beside E.npy.
func shardPath(beside file: String) -> String { FileSystem.path(file, ending: ".shard.json") }
