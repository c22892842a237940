import Data
import Evaluation
import Files
import Losses
import Models
import Settings

/// Everything needed to train and judge encoders of queries and documents again.
///
/// Read from JSON5, as ``Recipe``; what makes it one of pairs is the name of its data.
public struct PairRecipe: Sendable {
  /// How a query and a document are compared when the run is judged.
  public enum Similarity: String, CaseIterable, Sendable {
    case cosine
    case dot
  }

  /// What it shows, in a sentence.
  public var description: String
  public var data: Choice<any PairSource>
  public var model: PairArchitecture
  public var losses: [ColumnLossChoice]
  public var sampler: Choice<PairSampler>
  public var similarity: Similarity
  public var optimizer: Choice<any UpdateRule>
  /// Parameters that are trained in another way than the rest.
  public var parameterGroups = ParameterGroups()
  public var schedule: Choice<any Schedule>
  public var training: TrainingSettings
  /// The least that each metric must reach on the queries that are judged.
  public var targets: [String: Double]

  /// - Parameter place: the file that the recipe came from, for messages.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    var reader = try ObjectReader(value, at: place)
    description = try reader.text("description") ?? ""
    guard var dataReader = try reader.object("data") else {
      throw Recipe.missing("data", "{ name: \"vector-pairs\" }", at: place)
    }
    data = try dataReader.chosen(of: "data set of pairs", in: allPairSources)
    guard var modelReader = try reader.object("model") else {
      throw Recipe.missing("model", "{ query: { name: \"adapter\" } }", at: place)
    }
    model = try PairArchitecture(&modelReader)
    losses = []
    for (i, item) in (try reader.list("losses") ?? []).enumerated() {
      losses.append(try ColumnLossChoice(item, at: "\(place): losses[\(i)]"))
    }
    guard !losses.isEmpty else {
      throw Recipe.missing("losses", "[{ name: \"multiple-negatives-ranking\" }]", at: place)
    }
    sampler = try PairRecipe.sampler(reader.take("sampler"), at: "\(place): sampler")
    let similarityText = try reader.text("similarity")
    guard let found = Similarity(rawValue: similarityText ?? "cosine") else {
      throw Failure(
        .badData, at: "\(place): similarity", "this is \"\(similarityText ?? "")\"",
        expected: Similarity.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: " or "))
    }
    similarity = found
    (optimizer, parameterGroups) = try Recipe.optimizer(from: &reader)
    schedule =
      try reader.choice("schedule", of: "schedule", in: allSchedules)
      ?? Choice("constant", ConstantSchedule())
    training = try PairRecipe.training(reader.take("training"), at: "\(place): training")
    targets = try Recipe.targets(reader.take("targets"), at: "\(place): targets") {
      (name, place) throws(Failure) in _ = try corpusMetric(named: name, at: place)
    }
    try reader.finish()
  }

  /// Whether a recipe is one of pairs, by the name of its data.
  static func isNamed(in value: JSONValue) -> Bool {
    let name =
      switch value["data"] {
      case .string(let name)?: name
      case let data?: if case .string(let name)? = data["name"] { name } else { "" }
      case nil: ""
      }
    return allPairSources.contains { $0.name == name }
  }

  /// There is one, so that its name may be left out.
  private static func sampler(
    _ value: JSONValue?, at place: String
  ) throws(Failure) -> Choice<PairSampler> {
    var value = value ?? .object([:])
    if case .object(var members) = value, members["name"] == nil {
      members["name"] = "pairs"
      value = .object(members)
    }
    var reader = try ObjectReader(value, at: place)
    return try reader.chosen(of: "sampler of pairs", in: allPairSamplers)
  }

  private static func training(
    _ value: JSONValue?, at place: String
  ) throws(Failure) -> TrainingSettings {
    var usual = TrainingSettings()
    usual.monitor = "ndcg@10"
    guard let value else { return usual }
    guard case .object(let members) = value else {
      throw Failure(.badData, at: place, "this is \(value.kind)", expected: "an object")
    }
    let settings = try usual.setting(members, at: place)
    _ = try corpusMetric(named: settings.monitor, at: "\(place): monitor")
    guard settings.chunk == 0 else {
      throw Failure(
        .badData, at: "\(place): chunk", "batches of pairs go through the encoders whole",
        remedy: "leave the setting out")
    }
    return settings
  }

  /// The recipe with every default spelled out.
  public var json: JSONValue {
    [
      "description": .string(description), "data": data.json, "model": model.json,
      "losses": .array(losses.map(\.json)), "sampler": sampler.json,
      "similarity": .string(similarity.rawValue),
      "optimizer": optimizer.json.adding(parameterGroups.members), "schedule": schedule.json,
      "training": .object(training.settingValues),
      "targets": .object(targets.mapValues { .number($0) }),
    ]
  }
}

extension PairRecipe: StepRecipe {
  package var modelName: String { model.name }

  /// The metrics that a run measures: the usual ones, and those that the recipe asks for.
  var metrics: [String] {
    let usual = allCorpusMetrics.map(\.name)
    return usual + ([training.monitor] + targets.keys.sorted()).filter { !usual.contains($0) }
  }
}
