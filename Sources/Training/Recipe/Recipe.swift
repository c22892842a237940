import Autodiff
import Data
import Files
import Geometry
import Losses
import Miners
import Models
import Settings

/// Everything needed to train and judge a model again.
///
/// Read from JSON5; unknown keys are refused by name; what is left out has its default.
public struct Recipe: Sendable {
  public typealias LossChoice = Losses.LossChoice

  /// What it shows, in a sentence.
  public var description: String
  public var data: Choice<any DataSource>
  public var model: Choice<any Architecture>
  public var losses: [LossChoice]
  public var sampler: Choice<any Sampler>
  public var augmentation: Choice<any Augmentation>?
  public var optimizer: Choice<any UpdateRule>
  public var schedule: Choice<any Schedule>
  public var training: TrainingSettings
  /// What is done when all items are embedded alike.
  public var collapse = CollapseGuard()
  /// The least that each metric must reach on the test classes.
  public var targets: [String: Double]

  /// Reads a recipe file and applies overrides such as "training.steps=100".
  public init(path: String, overrides: [String] = []) throws(Failure) {
    var value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    for override in overrides { try value.set(override) }
    try self.init(value, at: path)
  }

  /// - Parameter place: the file that the recipe came from, for messages.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    var reader = try ObjectReader(value, at: place)
    description = try reader.text("description") ?? ""
    guard let data = try reader.choice("data", of: "data set", in: allDatasets) else {
      throw Recipe.missing("data", "{ name: \"digits\" }", at: place)
    }
    guard let model = try reader.choice("model", of: "model", in: allArchitectures) else {
      throw Recipe.missing("model", "{ name: \"mlp\" }", at: place)
    }
    (self.data, self.model) = (data, model)
    losses = []
    for (i, item) in (try reader.list("losses") ?? []).enumerated() {
      losses.append(try LossChoice(item, at: "\(place): losses[\(i)]"))
    }
    guard !losses.isEmpty else {
      throw Recipe.missing("losses", "[{ name: \"multi-similarity\" }]", at: place)
    }
    sampler =
      try reader.choice("sampler", of: "sampler", in: allSamplers)
      ?? Choice("m-per-class", MPerClassSampler())
    augmentation = try reader.choice("augmentation", of: "augmentation", in: allAugmentations)
    optimizer =
      try reader.choice("optimizer", of: "optimizer", in: allUpdateRules)
      ?? Choice("adamw", AdamW())
    schedule =
      try reader.choice("schedule", of: "schedule", in: allSchedules)
      ?? Choice("constant", ConstantSchedule())
    training = try Recipe.training(reader.take("training"), at: "\(place): training")
    if let value = reader.take("guard") {
      guard case .object(let members) = value else {
        throw Failure(
          .badData, at: "\(place): guard", "this is \(value.kind)",
          expected: "an object such as { action: \"mine-easier\" }")
      }
      collapse = try CollapseGuard().setting(members, at: "\(place): guard")
    }
    targets = try Recipe.targets(reader.take("targets"), at: "\(place): targets")
    try reader.finish()
    guard augmentation != nil || !needsTwoViews else {
      throw Failure(
        .badData, at: place, "a loss compares two views of each item, and they would be the same",
        expected: "augmentation: { name: \"affine\" }")
    }
  }

  private static func training(_ value: JSONValue?, at place: String) throws(Failure)
    -> TrainingSettings
  {
    guard let value else { return TrainingSettings() }
    guard case .object(let members) = value else {
      throw Failure(.badData, at: place, "this is \(value.kind)", expected: "an object")
    }
    let settings = try TrainingSettings().setting(members, at: place)
    guard trainingMetrics.contains(settings.monitor) else {
      throw Failure(
        .badData, at: place, "'monitor' is \"\(settings.monitor)\"",
        remedy: suggestion(for: settings.monitor, among: trainingMetrics))
    }
    return settings
  }

  private static func targets(_ value: JSONValue?, at place: String) throws(Failure)
    -> [String: Double]
  {
    guard let value else { return [:] }
    guard case .object(let members) = value else {
      throw Failure(.badData, at: place, "this is \(value.kind)", expected: "an object")
    }
    var targets: [String: Double] = [:]
    for (name, target) in members.sorted(by: { $0.key < $1.key }) {
      guard trainingMetrics.contains(name) else {
        throw Failure(
          .badData, at: place, "there is no metric '\(name)'",
          remedy: suggestion(for: name, among: trainingMetrics))
      }
      guard case .number(let number) = target else {
        throw Failure(
          .badData, at: "\(place): \(name)", "this is \(target.kind)", expected: "a number")
      }
      targets[name] = number
    }
    return targets
  }

  private static func missing(_ key: String, _ example: String, at place: String) -> Failure {
    Failure(.badData, at: place, "'\(key)' is missing", expected: "\(key): \(example)")
  }
}

extension Recipe {
  /// Whether a loss needs each item of a batch twice, augmented in two ways.
  var needsTwoViews: Bool {
    losses.contains { $0.modifiers.contains { $0.value.needsTwoViews } }
  }

  /// The recipe with every default spelled out.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "description": .string(description),
      "data": data.json,
      "model": model.json,
      "losses": .array(losses.map(\.json)),
      "sampler": sampler.json,
      "optimizer": optimizer.json,
      "schedule": schedule.json,
      "guard": .object(collapse.settingValues),
      "training": .object(training.settingValues),
      "targets": .object(targets.mapValues { .number($0) }),
    ]
    if let augmentation { members["augmentation"] = augmentation.json }
    return .object(members)
  }
}
