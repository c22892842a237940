import Settings
import Texts

let tokenizeCommand = Subcommand(
  name: "tokenize",
  summary: "Show the tokens of texts by a model's tokenizer.",
  positionals: [
    .init(name: "FOLDER", summary: "a folder with tokenizer.json, vocab.txt or vocab.json")
  ],
  options: [
    .init("--input", "F.txt|F.jsonl", "texts: a line each, or the field \"text\" of each line"),
    .init("--column", "NAME", "another field, or the column of a .csv or .tsv"),
    Subcommand.json,
  ],
  example: "kindred tokenize all-MiniLM-L6-v2 --input texts.txt --json",
  run: tokenize)

private func tokenize(_ arguments: Arguments) throws {
  let isJSON = arguments.has("--json")
  let tokenizer = try Tokenizer(folder: arguments.positionals[0]) {
    Terminal.printError("kindred: \($0)")
  }
  let texts = try TextFile.read(
    try arguments.required("--input"), column: arguments.value("--column"))
  // All are tokenised before anything is shown, so that a failure shows nothing.
  var (session, encodings) = (Tokenizer.Session(), [Encoding]())
  for text in texts { encodings.append(try tokenizer.encode(text, in: &session)) }
  var lines = LineWriter(isJSON: false)
  if isJSON { lines.write("{\"texts\": [") }
  for (i, encoding) in encodings.enumerated() {
    let ids = encoding.ids.map(String.init)
    guard isJSON else {
      lines.write(ids.joined(separator: " ") + "\n")
      continue
    }
    let offsets = zip(encoding.starts, encoding.ends).map { "[\($0), \($1)]" }
    lines.write(
      (i > 0 ? ", " : "") + "{\"ids\": [\(ids.joined(separator: ", "))], "
        + "\"offsets\": [\(offsets.joined(separator: ", "))]}")
  }
  if isJSON { lines.write("]}\n") }
  lines.flush()
}
