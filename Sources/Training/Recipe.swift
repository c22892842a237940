import Autodiff
import Data
import Files
import Losses
import Miners
import Models
import Settings

/// Everything needed to train and judge a model again.
///
/// Read from JSON5; unknown keys are refused by name; what is left out has its default.
public struct Recipe: Sendable {
  /// A loss with its weight in the sum and the miner that chooses its tuples.
  public struct LossChoice: Sendable {
    public var loss: Choice<any Loss>
    public var weight: Double
    public var miner: Choice<any Miner>?
    /// Recent batches that the loss compares with, if any.
    public var memory: CrossBatchMemory?
  }

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
      losses.append(try Recipe.lossChoice(item, at: "\(place): losses[\(i)]"))
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
  }

  private static func lossChoice(_ value: JSONValue, at place: String) throws(Failure) -> LossChoice
  {
    var reader = try ObjectReader(value, at: place)
    let weight = try reader.number("weight", in: 0...1e9) ?? 1
    let miner = try reader.choice("miner", of: "miner", in: allMiners)
    try miner?.value.validate(at: "\(place): miner")
    let memory = reader.take("memory")
    let loss = try reader.chosen(of: "loss", in: allLosses)
    return LossChoice(
      loss: loss, weight: weight, miner: miner,
      memory: try Recipe.memory(memory, of: loss, at: "\(place): memory"))
  }

  /// A memory, of a loss that compares a batch with others.
  private static func memory(
    _ value: JSONValue?, of loss: Choice<any Loss>, at place: String
  ) throws(Failure) -> CrossBatchMemory? {
    guard let value else { return nil }
    guard case .object(let members) = value else {
      throw Failure(
        .badData, at: place, "this is \(value.kind)",
        expected: "an object such as { size: 1024, warmup: 100 }")
    }
    // As many dimensions as a loss of fixed points may want.
    let row = Tensor(zeros: [1, 4096], dtype: .float32)
    let reference = ReferenceSet(embeddings: row, labels: [0])
    var probe = loss.value
    probe.makeParameters(classCount: 1, dimension: 4096, dtype: .float32, random: Random(seed: 0))
    try probe.validate(
      LossInput(embeddings: row, labels: [0], reference: reference), at: place)
    return try CrossBatchMemory().setting(members, at: place)
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

extension Recipe.LossChoice {
  var json: JSONValue {
    guard case .object(var members) = loss.json else { return .null }
    members["weight"] = .number(weight)
    if let miner { members["miner"] = miner.json }
    if let memory { members["memory"] = .object(memory.settingValues) }
    return .object(members)
  }
}
