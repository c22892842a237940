import Evaluation
import Settings
import Training

let compareCommand = Subcommand(
  name: "compare",
  summary: "Tell whether runs differ by more than chance, on the same queries.",
  positionals: [
    .init(name: "RUN", summary: "the run that the others are compared with"),
    .init(name: "RUN", summary: "the others", isRepeated: true),
  ],
  options: judgedItemsOptions + [
    .init("--seed", "N", "how the queries are drawn (default: 0)"),
    .init("--draws", "N", "draws of the bootstrap (default: 1000)"),
    Subcommand.threads,
    Subcommand.json,
  ],
  example: "kindred compare runs/triplet runs/multi-similarity",
  run: compareRuns)

private let comparedMetrics = ["recall@1", "r-precision", "map@r", "map", "mrr"]

private func compareRuns(_ arguments: Arguments) throws {
  try arguments.applyThreads()
  let seed = try arguments.wholeNumber("--seed", in: 0...Int(Int32.max)) ?? 0
  let draws = try arguments.wholeNumber("--draws", in: 1...1_000_000) ?? 1000
  let runs = arguments.positionals
  var values: [[[Double?]]] = []
  var identity = ""
  for run in runs {
    let model = try TrainedModel(run: run)
    let items = try judgedItems(of: model, run: run, arguments)
    if run == runs[0] { identity = items.identity }
    guard items.identity == identity else {
      throw Failure(
        .badData, at: run, "its test items are \(items.identity)",
        expected: "those of \(runs[0]), \(identity)",
        remedy: "give --data NAME to judge all runs on the same items")
    }
    let set = model.embeddingSet(of: items, isQuiet: arguments.has("--json"))
    values.append(try queryValues(set, metrics: comparedMetrics))
  }

  var table = Table(["metric", "run", "value", "difference", "95 % interval", "p"])
  var comparisons: [JSONValue] = []
  for (index, metric) in comparedMetrics.enumerated() {
    for (place, run) in runs.enumerated().dropFirst() {
      guard
        let found = PairedDifference(
          base: values[0][index], other: values[place][index], seed: seed, draws: draws)
      else { throw Failure(.badData, at: run, "no query has a match among the test items") }
      if place == 1 { table.append([metric, runs[0], fixed(found.base, 4), "–", "–", "–"]) }
      let (low, high) = (found.interval.lowerBound, found.interval.upperBound)
      table.append([
        metric, run, fixed(found.other, 4), fixed(found.difference, 4),
        "\(fixed(low, 4)) … \(fixed(high, 4))", significant(found.chance, 2),
      ])
      comparisons.append([
        "metric": .string(metric), "run": .string(run), "base": .number(found.base),
        "value": .number(found.other), "difference": .number(found.difference),
        "interval": [.number(low), .number(high)], "p": .number(found.chance),
      ])
    }
  }
  if arguments.has("--json") {
    Terminal.printJSON([
      "base": .string(runs[0]), "data": .string(identity), "seed": JSONValue(seed),
      "draws": JSONValue(draws), "definition": .string(PairedDifference.definition),
      "comparisons": .array(comparisons),
    ])
  } else {
    print(table.text, terminator: "")
    print("Differences are from \(runs[0]); p: how easily so large a one is chance.")
  }
}
