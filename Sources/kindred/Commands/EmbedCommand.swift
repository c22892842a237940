import Autodiff
import Data
import Files
import Index
import Models
import Pictures
import Settings
import Texts
import Training

let embedCommand = Subcommand(
  name: "embed",
  summary: "Embed pictures or vectors by a trained run or by pretrained weights, or texts.",
  positionals: [
    .init(
      name: "RUN|FOLDER|WEIGHTS",
      summary:
        "a run folder, a folder of sentence-transformers, transformers, timm or model2vec, or a "
        + ".safetensors, .pth or .pt file of an image encoder")
  ],
  options: [
    .init(
      "--input", "FOLDER|FILE",
      "a folder of pictures, a picture, or an .npy file of items; texts: .txt, .jsonl, .csv, .tsv"),
    .init("--column", "NAME", "texts: the field or column that holds them (default: text)"),
    .init("--prompt", "NAME", "texts: the model's prompt to put in front, as query or document"),
    .init(
      "--dtype", "float32|float64",
      "texts and pretrained weights: the precision to compute and write in"),
    .init(
      "--model", "JSON5",
      "pretrained weights: what their tensors do not tell, as { heads: 3 } or { strides: [1, 2] }"),
    .init(
      "--preparation", "NAME",
      "pretrained weights: how pictures are prepared, as "
        + allPreparations.map(\.name).joined(separator: ", ")),
    .init(
      "--out", "E.npy", "the embeddings; E.paths.txt and, of class folders, E.labels.npy beside it"),
    sideOption,
    .init("--shard", "i/N", "embed the i-th of N parts; kindred merge puts parts together"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred embed runs/quickstart --input examples/pictures --out E.npy",
  run: embedItems)

private func embedItems(_ arguments: Arguments) throws {
  let (input, output) = (try arguments.required("--input"), try arguments.required("--out"))
  let given = arguments.positionals[0]
  func refuse(_ options: [String], _ what: String, _ expected: String) throws(Failure) {
    for option in options where arguments.has(option) {
      throw Failure(
        .badUsage, at: option, "this is for \(what)",
        expected: "\(expected) in the place of \(given)")
    }
  }
  if ImageModel.isModel(given) {
    try arguments.refuseSide(of: given)
    try refuse(["--column", "--prompt"], "texts", "the folder of a text model")
    try embedImages(arguments, from: input, to: output)
    return
  }
  try refuse(
    ["--model", "--preparation"], "pretrained weights", "a file or folder of an image encoder")
  if AnyRecipe.isOfPairs(run: given) {
    try embedSide(arguments, from: input, to: output)
    return
  }
  try arguments.refuseSide(of: given)
  if TextModel.isModel(given) {
    try embedTexts(arguments, from: input, to: output)
    return
  }
  try refuse(["--column", "--prompt", "--dtype"], "texts", "the folder of a text model")
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
  report(items.embeddings, in: output, arguments)
}

private func report(_ embeddings: Tensor, in output: String, _ arguments: Arguments) {
  let (rows, columns) = (embeddings.shape[0], embeddings.shape[1])
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(rows), "columns": JSONValue(columns), "out": .string(output),
    ])
  } else {
    print("\(rows) embeddings of \(columns) numbers in \(output)")
  }
}

/// Embeds queries or documents by a run of both.
private func embedSide(_ arguments: Arguments, from input: String, to output: String) throws {
  for option in ["--shard", "--prompt", "--dtype"] where arguments.has(option) {
    throw Failure(
      .badUsage, at: option, "this is a run of queries and documents",
      remedy: "leave the option out")
  }
  let run = arguments.positionals[0]
  let side = try arguments.side()
  let items = try PairModel(run: run).embed(
    input, as: side, column: arguments.value("--column"))
  // Both sides are in one space, so that queries fit an index of documents.
  let space = VectorSpace(of: items.embeddings, model: try RunFolder(run).modelChecksum())
  try write(items.embeddings, names: items.names, space: space, to: output)
  report(items.embeddings, in: output, arguments)
}

/// Embeds pictures or prepared items by a pretrained encoder.
private func embedImages(_ arguments: Arguments, from input: String, to output: String) throws {
  let given = arguments.positionals[0]
  let say = { (line: String) in Terminal.printError("kindred: \(line)") }
  let model = try ImageModel(
    given,
    options: try ImageModelOptions().setting(try arguments.settings("--model"), at: "--model"),
    dtype: try arguments.word("--dtype", default: DType.float32), say: say)
  let embedding = try ImageEmbedding(
    model, weights: given, input, preparation: arguments.value("--preparation"), say: say)
  let total = embedding.names.count
  let range =
    try arguments.value("--shard").map { text throws(Failure) in
      try Shard(text, at: "--shard").range(of: total)
    } ?? 0..<total
  let progress = ProgressLine(isQuiet: arguments.has("--json"))
  let features = try embedding.features(of: range) { done in
    progress.show("embedding \(done)/\(range.count)", done: done, of: range.count)
  }
  progress.finish()
  let names = embedding.names.withoutCommonFolder
  let checksum = String(CRC32.of(try FileSystem.read(model.place)[...]), radix: 16)
  let record: ShardRecord? =
    arguments.has("--shard")
    ? ShardRecord(range, names: names, model: checksum) : nil
  let classes = FileSystem.isFolder(input) ? pictureClasses(embedding.names, at: input) : nil
  try write(
    features, names: Array(names[range]), classes: classes.map { Array($0[range]) }, record,
    space: VectorSpace(of: features, model: checksum), to: output)
  let (rows, columns) = (features.shape[0], features.shape[1])
  if arguments.has("--json") {
    Terminal.printJSON([
      "rows": JSONValue(rows), "columns": JSONValue(columns), "out": .string(output),
      "model": .string(model.title),
    ])
  } else {
    print("\(rows) embeddings of \(columns) numbers by \(model.title) in \(output)")
  }
}

/// Embeds texts by the folder of a text model.
private func embedTexts(_ arguments: Arguments, from input: String, to output: String) throws {
  if arguments.has("--shard") {
    throw Failure(.badUsage, at: "--shard", "texts are not embedded in parts", expected: "none")
  }
  let isQuiet = arguments.has("--json")
  let model = try TextModel(
    folder: arguments.positionals[0],
    dtype: try arguments.word("--dtype", default: DType.float32)
  ) { Terminal.printError("kindred: \($0)") }
  let texts = try TextFile.read(input, column: arguments.value("--column"))
  guard !texts.isEmpty else {
    throw Failure(.badData, at: input, "there are no texts", expected: "at least one")
  }
  let prompt = try model.prompt(arguments.value("--prompt"))
  let progress = ProgressLine(isQuiet: isQuiet)
  let (embeddings, cut) = try model.embed(texts, prompt: prompt) { done in
    progress.show("embedding \(done)/\(texts.count)", done: done, of: texts.count)
  }
  progress.finish()
  if cut > 0 {
    Terminal.printError(
      "kindred: \(input): \(cut) of \(texts.count) texts were cut to \(model.longest ?? 0) tokens")
  }
  try write(embeddings, names: (1...texts.count).map { "\(input):\($0)" }, to: output)
  let columns = embeddings.shape[1]
  if isQuiet {
    Terminal.printJSON([
      "rows": JSONValue(texts.count), "columns": JSONValue(columns), "out": .string(output),
      "cut": JSONValue(cut),
    ])
  } else {
    print("\(texts.count) embeddings of \(columns) numbers in \(output)")
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
  guard let checksum = try checksum(of: file),
    try VectorSpace(beside: path)?.earlierLabels != checksum
  else { return nil }
  let labels = try GivenLabels.read(file, count: count)
  return labels.count == count ? labels : nil
}

/// The checksum (CRC-32) of a file; nil if there is none.
func checksum(of path: String) throws(Failure) -> String? {
  guard FileSystem.exists(path) else { return nil }
  return String(CRC32.of(try FileSystem.read(path)[...]), radix: 16)
}

/// Where the classes of the rows of a file of vectors lie: E.labels.npy beside E.npy.
func labelsPath(beside file: String) -> String { FileSystem.path(file, ending: ".labels.npy") }

/// Where the names of the rows of a file of vectors lie: E.paths.txt beside E.npy.
func namesPath(beside file: String) -> String { FileSystem.path(file, ending: ".paths.txt") }

/// Where a part of embeddings says which part it is: E.shard.json beside E.npy.
func shardPath(beside file: String) -> String { FileSystem.path(file, ending: ".shard.json") }
