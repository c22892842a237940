import Classical
import Data
import Evaluation
import Geometry
import Index
import Losses
import Miners
import Models
import Settings
import Training

let listCommand = Subcommand(
  name: "list",
  summary: "List what there is, with settings and defaults.",
  positionals: [
    .init(
      name: "KIND",
      summary:
        "losses, column-losses, column-modifiers, reducers, modifiers, miners, samplers, models, "
        + "learners, optimizers, schedules, augmentations, datasets, formats or metrics")
  ],
  options: [Subcommand.json],
  example: "kindred list losses --json",
  run: list)

/// One registered thing, in words.
private struct Entry {
  let name, summary: String
  var source = ""
  var settings: [SettingDescription] = []
  /// How a loss's terms become one number; empty for what takes no reducer.
  var reducer = ""

  var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "summary": .string(summary),
      "settings": .array(
        settings.map {
          [
            "name": .string($0.name), "summary": .string($0.summary),
            "allowed": .string($0.allowed), "default": $0.default,
          ]
        }),
    ]
    if !source.isEmpty { members["source"] = .string(source) }
    if !reducer.isEmpty { members["reducer"] = .string(reducer) }
    return .object(members)
  }
}

/// The entries of a registry whose values describe themselves.
private func entries<Value>(_ registry: [Named<Value>]) -> [Entry] {
  registry.compactMap { named in
    (named.value as? any Described).map { Entry(name: named.name, $0) }
  }
}

extension Entry {
  fileprivate init(name: String, _ value: some Described) {
    let type = Swift.type(of: value)
    let reducer = (value as? any Loss)?.ownReduction?.name
    self.init(
      name: name, summary: type.summary, source: type.source, settings: type.settingDescriptions,
      reducer: reducer ?? "")
  }
}

/// Formats of vectors, then those of models; one that is both is told once.
private func formatEntries() -> [Entry] {
  let ofModels = Dictionary(uniqueKeysWithValues: allModelFormats.map { ($0.name, $0.value) })
  let ofVectors = Set(allFormats.map(\.name))
  return allFormats.map { format in
    let model = ofModels[format.name].map { "; \($0.summary)" } ?? ""
    return Entry(name: format.name, summary: format.value.summary + model)
  }
    + allModelFormats.filter { !ofVectors.contains($0.name) }
    .map { Entry(name: $0.name, summary: $0.value.summary) }
}

private let kinds: [(name: String, entries: @Sendable () -> [Entry])] = [
  ("losses", { entries(allLosses) }),
  ("column-losses", { entries(allColumnLosses) }),
  ("column-modifiers", { entries(allColumnModifiers) }),
  ("reducers", { entries(allReducers) }),
  ("modifiers", { entries(allModifiers) }),
  ("miners", { entries(allMiners) }),
  ("samplers", { entries(allSamplers) + entries(allPairSamplers) }),
  ("models", { entries(allArchitectures) }),
  ("learners", { entries(allLearners) + entries(allGraphProblems) }),
  ("optimizers", { entries(allUpdateRules) }),
  ("schedules", { entries(allSchedules) }),
  ("augmentations", { entries(allAugmentations) }),
  ("datasets", { entries(allDatasets) + entries(allPairSources) }),
  ("formats", formatEntries),
  (
    "metrics",
    {
      allMetrics.map {
        Entry(name: $0.name, summary: $0.value.definition, source: $0.value.id)
      }
        // Of a search in a corpus, those that have no name of the ones before.
        + allCorpusMetrics.filter { metric in !allMetrics.contains { $0.name == metric.name } }.map
      {
        Entry(name: $0.name, summary: $0.value.definition, source: $0.value.id)
      }
    }
  ),
]

private func list(_ arguments: Arguments) throws {
  let kind = arguments.positionals[0]
  guard let found = kinds.first(where: { $0.name == kind }) else {
    throw Failure(
      .badUsage, at: "kindred list", "there is no kind '\(kind)'",
      remedy: suggestion(for: kind, among: kinds.map(\.name)))
  }
  let entries = found.entries()
  if arguments.has("--json") {
    Terminal.printJSON(.object([kind: .array(entries.map(\.json))]))
    return
  }
  for entry in entries {
    print("\(entry.name): \(entry.summary)")
    if !entry.source.isEmpty { print("    \(entry.source)") }
    if !entry.reducer.isEmpty { print("    reducer = \(entry.reducer)") }
    for setting in entry.settings {
      print("    \(setting.name) = \(setting.default): \(setting.summary) (\(setting.allowed))")
    }
  }
}
