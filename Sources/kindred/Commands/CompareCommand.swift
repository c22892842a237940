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
  ] + Subcommand.common,
  example: "kindred compare runs/triplet runs/multi-similarity",
  run: compareRuns)

private let comparedMetrics = ["recall@1", "r-precision", "map@r", "map", "mrr"]

private func compareRuns(_ arguments: Arguments) throws {
  let seed = try arguments.wholeNumber("--seed", in: 0...Int(Int32.max)) ?? 0
  let draws = try arguments.wholeNumber("--draws", in: 1...1_000_000) ?? 1000
  let runs = arguments.positionals
  var values: [[[Double?]]] = []
  var sets: [EmbeddingSet] = []
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
    let set = try model.embeddingSet(of: items, isQuiet: arguments.has("--json"))
    sets.append(set)
    values.append(try queryValues(set, metrics: comparedMetrics))
  }

  let (table, comparisons) = try differences(runs, values, seed: seed, draws: draws)
  let spaces = try spaceComparison(runs, sets)
  if arguments.has("--json") {
    Terminal.printJSON([
      "base": .string(runs[0]), "data": .string(identity), "seed": JSONValue(seed),
      "draws": JSONValue(draws), "definition": .string(PairedDifference.definition),
      "comparisons": .array(comparisons), "spaces": spaces.json,
    ])
  } else {
    print(table.text, terminator: "")
    print(
      "Differences are from \(runs[0]); p: how easily so large a one is chance"
        + (runs.count > 2 ? "; adjusted: among all runs of a metric (Holm)." : "."))
    if !spaces.text.isEmpty { print("\n" + spaces.text, terminator: "") }
  }
}

/// The paired differences of all runs from the first.
private func differences(
  _ runs: [String], _ values: [[[Double?]]], seed: Int, draws: Int
) throws(Failure) -> (Table, [JSONValue]) {
  var table = Table(["metric", "run", "value", "difference", "95 % interval", "p", "adjusted"])
  var comparisons: [JSONValue] = []
  for (index, metric) in comparedMetrics.enumerated() {
    let all = values.dropFirst().compactMap {
      PairedDifference(base: values[0][index], other: $0[index], seed: seed, draws: draws)
    }
    guard all.count == runs.count - 1 else {
      throw Failure(.badData, at: runs[0], "no query has a match among the test items")
    }
    let adjusted = holmAdjusted(all.map(\.chance))
    for (place, run) in runs.enumerated().dropFirst() {
      let (found, chance) = (all[place - 1], adjusted[place - 1])
      if place == 1 { table.append([metric, runs[0], fixed(found.base, 4), "–", "–", "–", "–"]) }
      let (low, high) = (found.interval.lowerBound, found.interval.upperBound)
      table.append([
        metric, run, fixed(found.other, 4), fixed(found.difference, 4),
        "\(fixed(low, 4)) … \(fixed(high, 4))", significant(found.chance, 2),
        significant(chance, 2),
      ])
      comparisons.append([
        "metric": .string(metric), "run": .string(run), "base": .number(found.base),
        "value": .number(found.other), "difference": .number(found.difference),
        "interval": [.number(low), .number(high)], "p": .number(found.chance),
        "adjustedP": .number(chance),
      ])
    }
  }
  return (table, comparisons)
}

/// How far the spaces of the runs lie apart, and whether new ones may search in old galleries; nothing
/// where the embeddings differ in size.
private func spaceComparison(
  _ runs: [String], _ sets: [EmbeddingSet]
) throws(Failure) -> (text: String, json: JSONValue) {
  guard sets.allSatisfy({ $0.embeddings.shape == sets[0].embeddings.shape }) else {
    return ("", .null)
  }
  var table = Table([
    "space of", "Hausdorff", "aligned", "Procrustes", "queries in the first's gallery",
  ])
  var members: [JSONValue] = []
  let compatibility = try Compatibility(sets)
  for (place, run) in runs.enumerated().dropFirst() {
    let found = try SpaceDistance(sets[0].embeddings, sets[place].embeddings)
    let recall = compatibility.matrix[place][0]
    table.append([
      run, fixed(found.hausdorff, 4), fixed(found.alignedHausdorff, 4), fixed(found.procrustes, 4),
      fixed(recall, 4),
    ])
    members.append([
      "run": .string(run), "hausdorff": .number(found.hausdorff),
      "alignedHausdorff": .number(found.alignedHausdorff), "procrustes": .number(found.procrustes),
    ])
  }
  let (ac, am) = (compatibility.averageCompatibility, compatibility.averageAccuracy)
  let text =
    table.text
    + "Distances are from the space of \(runs[0]); aligned: after the best turn. recall@1 with new "
    + "queries in old galleries, oldest run first: compatible in \(fixed(100 * ac, 0)) % of pairs (AC), "
    + "\(fixed(am, 4)) on average (AM).\n"
  return (
    text,
    [
      "distances": .array(members), "averageCompatibility": .number(ac),
      "averageAccuracy": .number(am),
      "compatibility": .array(compatibility.matrix.map { .array($0.map { .number($0) }) }),
    ]
  )
}
