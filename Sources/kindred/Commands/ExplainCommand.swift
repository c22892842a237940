import Autodiff
import Files
import Models
import Settings
import Training

let explainCommand = Subcommand(
  name: "explain",
  summary:
    "Tell which positions of two pictures (or which numbers) make them alike for a run's model.",
  positionals: [
    .init(name: "RUN", summary: "a run folder"),
    .init(name: "FIRST", summary: "a picture, or an .npy file with one item"),
    .init(name: "SECOND", summary: "another"),
  ],
  options: [
    .init(
      "--layer", "N", "tell apart what comes out of the first N layers (default: 0, the input)"),
    .init("--top", "K", "how many pairs of positions to print (default: 10)"),
    .init("--out", "FILE.html", "also draw both pictures with what each position adds"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example:
    "kindred explain runs/quickstart examples/query.png examples/pictures/character-01/1.png --out why.html",
  run: explainPair)

private func explainPair(_ arguments: Arguments) throws {
  let run = arguments.positionals[0]
  let model = try TrainedModel(run: run)
  let layers = model.encoder.layers.count
  let layer = try arguments.wholeNumber("--layer", in: 0...max(0, layers - 1)) ?? 0
  let top = try arguments.wholeNumber("--top", in: 1...1000) ?? 10
  let paths = Array(arguments.positionals.dropFirst())
  let items = try paths.map { try model.item($0) }
  let found = model.encoder.explain(items[0], items[1], layer: layer)
  if let path = arguments.value("--out") {
    let page = explanationPage(
      found, items: items, names: paths, inputShape: model.encoder.inputShape)
    try FileSystem.write(page, to: path)
  }
  let pairs = strongestPairs(found, count: top)
  if arguments.has("--json") {
    Terminal.printJSON([
      "similarity": .number(found.similarity), "remainder": .number(found.remainder),
      "layer": JSONValue(layer), "positions": .array(found.positions.map { JSONValue($0) }),
      "first": .array(found.ofFirst.map { .number($0) }),
      "second": .array(found.ofSecond.map { .number($0) }),
      "pairs": .array(
        pairs.map {
          [
            "first": JSONValue($0.first), "second": JSONValue($0.second),
            "contribution": .number($0.value),
          ]
        }),
    ])
    return
  }
  func name(_ position: Int) -> String {
    guard found.positions.count == 2 else { return "\(position)" }
    return "row \(position / found.positions[1]), column \(position % found.positions[1])"
  }
  var table = Table(["first", "second", "adds"])
  for pair in pairs { table.append([name(pair.first), name(pair.second), fixed(pair.value, 5)]) }
  print(table.text, terminator: "")
  print(
    "Cosine similarity \(fixed(found.similarity, 5)): the sum over all pairs of positions, to "
      + "\(significant(abs(found.remainder), 1)).")
  if let path = arguments.value("--out") { print("Open \(path) to look at it.") }
}

/// The pairs of positions that add or take away most.
private func strongestPairs(
  _ found: SimilarityExplanation, count: Int
) -> [(first: Int, second: Int, value: Double)] {
  var kept: [(first: Int, second: Int, value: Double)] = []
  let positions = found.positions.reduce(1, *)
  for i in 0..<positions {
    for j in 0..<positions {
      let value = found.contribution(i, j)
      if kept.count == count, abs(value) <= abs(kept[count - 1].value) { continue }
      let place = kept.firstIndex { abs(value) > abs($0.value) } ?? kept.count
      kept.insert((i, j, value), at: place)
      if kept.count > count { kept.removeLast() }
    }
  }
  return kept
}
