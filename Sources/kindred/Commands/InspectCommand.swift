import Data
import Evaluation
import Settings
import Training

let inspectCommand = Subcommand(
  name: "inspect",
  summary: "Find suspicious labels, near duplicates, outliers and typical items by a run's model.",
  positionals: [.init(name: "RUN", summary: "a run folder")],
  options: judgedItemsOptions + [
    .init(
      "--training",
      "look at the items that the run was trained on instead, without classes made by turning"),
    .init("--top", "K", "how many of each kind to print (default: 10; JSON has all)"),
  ] + Subcommand.common,
  example: "kindred inspect runs/quickstart --training",
  run: inspectRun)

private func inspectRun(_ arguments: Arguments) throws {
  let top = try arguments.wholeNumber("--top", in: 1...1_000_000) ?? 10
  let run = arguments.positionals[0]
  let model = try TrainedModel(run: run)
  let items: Dataset
  if arguments.has("--training") {
    guard !arguments.has("--data") else {
      throw Failure(
        .badUsage, at: "kindred inspect", "both --training and --data are given",
        expected: "one of them")
    }
    items = try givenItems(of: model, at: run)
  } else {
    items = try judgedItems(of: model, run: run, arguments)
  }
  let isQuiet = arguments.has("--json")
  let audit = try DataAudit(model.embeddingSet(of: items, isQuiet: isQuiet))
  if isQuiet {
    Terminal.printJSON(json(of: audit, items))
  } else {
    print(text(of: audit, items, top: top), terminator: "")
  }
}

/// The items that the run was trained on, without the classes that the recipe made of others: a turned
/// 0 that looks like a 0 is no mistake of anybody's.
private func givenItems(of model: TrainedModel, at run: String) throws(Failure) -> Dataset {
  let items = try trainingItems(of: model, at: run)
  let source = model.recipe.data.value
  let given = items.classNames.indices.filter { !source.isMade(className: items.classNames[$0]) }
  guard given.count < items.classNames.count else { return items }
  guard !given.isEmpty else {
    throw Failure(
      .badData, at: run, "all classes that it was trained on were made of others",
      expected: "given ones", remedy: "inspect the test classes, without --training")
  }
  return items.keeping(classes: given)
}

private func text(of audit: DataAudit, _ items: Dataset, top: Int) -> String {
  func className(_ item: Int) -> String { items.classNames[items.labels[item]] }
  var labels = Table(["suspicious label", "its class", "its neighbours' class", "votes"])
  for found in audit.suspicions.prefix(top) {
    labels.append([
      items.itemNames[found.item], className(found.item), items.classNames[found.label],
      fixed(found.votes, 1),
    ])
  }
  var duplicates = Table(["near duplicate", "of", "distance", "classes"])
  for found in audit.duplicates.prefix(top) {
    duplicates.append([
      items.itemNames[found.first], items.itemNames[found.second], significant(found.distance, 3),
      found.isSameClass ? "same" : "DIFFERENT",
    ])
  }
  var outliers = Table(["outlier", "its class", "distance over the class's median"])
  for found in audit.outliers.prefix(top) {
    outliers.append([
      items.itemNames[found.item], className(found.item), fixed(found.ratio, 2),
    ])
  }
  var typical = Table(["item", "its class", "kind"])
  for (kind, chosen) in [("prototype", audit.prototypes), ("criticism", audit.criticisms)] {
    for item in chosen.prefix(top) {
      typical.append([items.itemNames[item], className(item), kind])
    }
  }
  let parts: [(String, Table, Int)] = [
    ("Labels that the nearest 10 contradict", labels, audit.suspicions.count),
    ("Near duplicates", duplicates, audit.duplicates.count),
    ("Items far from what their class consists of", outliers, audit.outliers.count),
    ("Items that stand for the data, and that these represent worst", typical, typical.rows.count),
  ]
  return parts.map { title, table, count in
    count == 0 ? "\(title): none\n" : "\(title): \(count)\n\(table.text)"
  }.joined(separator: "\n")
}

private func json(of audit: DataAudit, _ items: Dataset) -> JSONValue {
  func item(_ index: Int) -> JSONValue {
    [
      "index": JSONValue(index), "name": .string(items.itemNames[index]),
      "class": .string(items.classNames[items.labels[index]]),
    ]
  }
  return [
    "suspiciousLabels": .array(
      audit.suspicions.map {
        [
          "item": item($0.item), "neighboursClass": .string(items.classNames[$0.label]),
          "votes": .number($0.votes), "ownVotes": .number($0.ownVotes),
        ]
      }),
    "nearDuplicates": .array(
      audit.duplicates.map {
        [
          "first": item($0.first), "second": item($0.second), "distance": .number($0.distance),
          "sameClass": .bool($0.isSameClass),
        ]
      }),
    "outliers": .array(
      audit.outliers.map { ["item": item($0.item), "ratio": .number($0.ratio)] }),
    "prototypes": .array(audit.prototypes.map(item)),
    "criticisms": .array(audit.criticisms.map(item)),
  ]
}
