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
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred embed runs/quickstart --input pictures --out E.npy",
  run: embedItems)

private func embedItems(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  let (input, output) = (try arguments.required("--input"), try arguments.required("--out"))
  let model = try TrainedModel(run: arguments.positionals[0])
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  let items = try model.embed(input) { done, total in
    progress.show("embedding \(done)/\(total)", done: done, of: total)
  }
  progress.finish()
  try NumPyArray(items.embeddings).write(to: output)
  try FileSystem.write(items.names.map { $0 + "\n" }.joined(), to: namesPath(beside: output))
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
