import Files
import Index
import Settings

let indexCommand = Subcommand(
  name: "index",
  summary: "Add vectors to a graph of Kindred, or mark some of its vectors as deleted.",
  positionals: [.init(name: "INDEX.hnsw", summary: "a file of kindred export --format hnsw")],
  options: [
    .init("--delete", "I.npy", "ids that searches no longer return"),
    .init("--add", "E.npy", "vectors to insert, whose ids follow those that there are"),
    .init("--labels", "Y.npy", "the class of each new vector, for a graph ordered by class"),
    .init("--out", "FILE", "the changed graph; it may be INDEX.hnsw itself"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred index items.hnsw --add new.npy --delete gone.npy --out items.hnsw",
  run: changeIndex)

private func changeIndex(_ arguments: Arguments) throws {
  let (input, output) = (arguments.positionals[0], try arguments.required("--out"))
  guard arguments.has("--add") || arguments.has("--delete") else {
    throw Failure(
      .badUsage, at: "kindred index", "nothing is to be changed", expected: "--add or --delete",
      remedy: "example: \(indexCommand.example)")
  }
  guard arguments.has("--add") || !arguments.has("--labels") else {
    throw Failure(.badUsage, at: "--labels", "there are no new vectors", expected: "--add E.npy")
  }
  var index = try HNSWIndex.read(input)
  var beside = try GraphCompanions(of: input, count: index.count)
  if let path = arguments.value("--delete") {
    do {
      try index.delete(try NumPyArray.read(path).labels(at: path))
    } catch {
      guard error.place == "delete" else { throw error }
      throw Failure(error.kind, at: path, error.found, expected: error.expected)
    }
  }
  if let path = arguments.value("--add") {
    let progress = ProgressLine(isQuiet: arguments.has("--json"))
    var labels: [Int]?
    if let classes = arguments.value("--labels") {
      labels = try LabelledMatrix(embeddings: path, labels: classes).labels
    }
    index = try index.adding(
      try readMatrix(path, dtype: .float32), labels: labels, name: path
    ) { done, total in
      progress.show("inserted \(done)/\(total)", done: done, of: total)
    }
    progress.finish()
    try beside.add(path, labels: arguments.value("--labels"), count: index.count)
  }
  try FileSystem.write([(output, try index.bytes())] + (try beside.files(beside: output)))
  if arguments.has("--json") {
    Terminal.printJSON([
      "out": .string(output), "vectors": JSONValue(index.count),
      "live": JSONValue(index.liveCount),
    ])
  } else {
    let deleted = index.count - index.liveCount
    print("\(index.count) vectors in \(output), \(deleted) of them deleted")
  }
}
