import Files
import Settings
import Texts

let trainTokenizerCommand = Subcommand(
  name: "train-tokenizer",
  summary: "Learn a vocabulary on texts and write the folder of a tokenizer.",
  positionals: [.init(name: "KIND", summary: "wordpiece or unigram")],
  options: [
    .init(
      "--input", "FILE", "texts: .txt, .jsonl, .csv or .tsv; may be given again",
      isRepeated: true),
    .init("--column", "NAME", "the field or column that holds them (default: text)"),
    .init("--size", "N", "how many tokens the vocabulary has at most, special ones included"),
    .init("--out", "FOLDER", "a new folder: tokenizer.json and its settings"),
    Subcommand.json,
  ],
  example: "kindred train-tokenizer wordpiece --input corpus.txt --size 8000 --out tokenizer",
  run: trainVocabulary)

private func trainVocabulary(_ arguments: Arguments) throws {
  let word = arguments.positionals[0]
  guard let kind = VocabularyKind(rawValue: word) else {
    throw Failure(
      .badUsage, at: "KIND", "there is no kind of vocabulary '\(word)'",
      remedy: suggestion(for: word, among: VocabularyKind.allCases.map(\.rawValue)))
  }
  _ = try arguments.required("--size")
  let size = try arguments.wholeNumber("--size", in: 1...10_000_000) ?? 0
  let output = try arguments.required("--out")
  _ = try arguments.required("--input")
  var texts: [String] = []
  for path in arguments.allValues("--input") {
    texts += try TextFile.read(path, column: arguments.value("--column"))
  }
  let files = try trainTokenizer(kind, on: texts, size: size)
  let tokenizer = try Tokenizer(json: files[0].bytes, at: files[0].name)
  try FileSystem.writeFolder(files.map { (name: $0.name, bytes: $0.bytes) }, to: output)
  let count = tokenizer.largestId + 1
  if arguments.has("--json") {
    Terminal.printJSON(["tokens": JSONValue(count), "out": .string(output)])
  } else {
    print("\(count) tokens in \(output)")
  }
}
