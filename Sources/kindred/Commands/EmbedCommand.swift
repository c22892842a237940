import Autodiff
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
    .init("--out", "E.npy", "the embeddings; E.paths.txt beside it names each row"),
    .init("--shard", "i/N", "embed the i-th of N parts; kindred merge puts parts together"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred embed runs/quickstart --input pictures --out E.npy",
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
  try NumPyArray(items.embeddings).write(to: output)
  try FileSystem.write(items.names.map { $0 + "\n" }.joined(), to: namesPath(beside: output))
  if shard != nil {
    let record = try ShardRecord(range, names: names, run: arguments.positionals[0])
    try FileSystem.write(record.json.indented, to: shardPath(beside: output))
  }
  let (rows, columns) = (items.embeddings.shape[0], items.embeddings.shape[1])
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(rows), "columns": JSONValue(columns), "out": .string(output),
    ])
  } else {
    print("\(rows) embeddings of \(columns) numbers in \(output)")
  }
}

/// Where the names of the rows of a file of vectors lie: E.paths.txt beside E.npy.
func namesPath(beside file: String) -> String { FileSystem.path(file, ending: ".paths.txt") }

/// Where a part of embeddings says which part it is: E.shard.json beside E.npy.
func shardPath(beside file: String) -> String { FileSystem.path(file, ending: ".shard.json") }
