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
  /// What teaches the encoder, for losses that ask for it.
  public var teacher: Teacher?
  public var model: Choice<any Architecture>
  /// What the encoder's weights start from; nil for random ones.
  public var start: WarmStart?
  public var losses: [LossChoice]
  /// A classical learner in the place of losses and steps.
  public var learner: LearnerChoice?
  public var sampler: Choice<any Sampler>
  public var augmentation: Choice<any Augmentation>?
  public var optimizer: Choice<any UpdateRule>
  /// Parameters that are trained in another way than the rest.
  public var parameterGroups = ParameterGroups()
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
    guard !PairRecipe.isNamed(in: value) else {
      throw Failure(
        .badData, at: "\(place): data", "these are queries and documents, which this does not take",
        expected: "items in classes")
    }
    var reader = try ObjectReader(value, at: place)
    description = try reader.text("description") ?? ""
    guard var dataReader = try reader.object("data") else {
      throw Recipe.missing("data", "{ name: \"digits\" }", at: place)
    }
    teacher = try Teacher.take(from: &dataReader)
    data = try dataReader.chosen(of: "data set", in: allDatasets)
    let learner = try reader.take("learner").map { (value) throws(Failure) in
      try LearnerChoice(value, at: "\(place): learner")
    }
    self.learner = learner
    var given = try reader.object("model")
    if given == nil, learner != nil {
      // What a learner makes.
      given = try ObjectReader(["name": "linear"], at: "\(place): model")
    }
    guard var modelReader = given else {
      throw Recipe.missing("model", "{ name: \"mlp\" }", at: place)
    }
    let (start, known) = try WarmStart.take(from: &modelReader)
    self.start = start
    let model: Choice<any Architecture>
    if let known {
      try modelReader.finish()
      model = known
    } else {
      model = try modelReader.chosen(of: "model", in: allArchitectures)
    }
    self.model = model
    if learner != nil, start != nil || !(model.value is Linear) {
      throw Failure(
        .badData, at: "\(place): model", "a learner makes a linear model of its own",
        remedy: "leave the model out")
    }
    var losses: [LossChoice] = []
    for (i, item) in (try reader.list("losses") ?? []).enumerated() {
      losses.append(try LossChoice(item, at: "\(place): losses[\(i)]"))
    }
    self.losses = losses
    if learner != nil, !losses.isEmpty {
      throw Failure(
        .badData, at: "\(place): losses", "there is a learner too", expected: "one of them")
    }
    if learner == nil, losses.isEmpty {
      throw Recipe.missing("losses", "[{ name: \"multi-similarity\" }]", at: place)
    }
    sampler =
      try reader.choice("sampler", of: "sampler", in: allSamplers)
      ?? Choice("m-per-class", MPerClassSampler())
    augmentation = try reader.choice("augmentation", of: "augmentation", in: allAugmentations)
    (optimizer, parameterGroups) = try Recipe.optimizer(from: &reader)
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
    targets = try Recipe.targets(reader.take("targets"), at: "\(place): targets") {
      (name, place) throws(Failure) in
      guard trainingMetrics.contains(name) else {
        throw Failure(
          .badData, at: place, "there is no metric '\(name)'",
          remedy: suggestion(for: name, among: trainingMetrics))
      }
    }
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

  /// How parameters are moved; AdamW where nothing is said.
  static func optimizer(
    from reader: inout ObjectReader
  ) throws(Failure) -> (Choice<any UpdateRule>, ParameterGroups) {
    let usual = Choice<any UpdateRule>("adamw", AdamW())
    guard var inner = try reader.object("optimizer") else { return (usual, ParameterGroups()) }
    let groups = try ParameterGroups.take(from: &inner)
    guard inner.has("name") else {
      try inner.finish()
      return (usual, groups)
    }
    return (try inner.chosen(of: "optimizer", in: allUpdateRules), groups)
  }

  /// - Parameter check: fails for the name of what is no metric.
  static func targets(
    _ value: JSONValue?, at place: String,
    check: (_ name: String, _ place: String) throws(Failure) -> Void
  ) throws(Failure) -> [String: Double] {
    guard let value else { return [:] }
    guard case .object(let members) = value else {
      throw Failure(.badData, at: place, "this is \(value.kind)", expected: "an object")
    }
    var targets: [String: Double] = [:]
    for (name, target) in members.sorted(by: { $0.key < $1.key }) {
      try check(name, place)
      guard case .number(let number) = target else {
        throw Failure(
          .badData, at: "\(place): \(name)", "this is \(target.kind)", expected: "a number")
      }
      targets[name] = number
    }
    return targets
  }

  static func missing(_ key: String, _ example: String, at place: String) -> Failure {
    Failure(.badData, at: place, "'\(key)' is missing", expected: "\(key): \(example)")
  }
}

extension ParameterGroups {
  /// Takes `groups` and `layerDecay` out of what a recipe says of its optimiser.
  fileprivate static func take(from reader: inout ObjectReader) throws(Failure) -> ParameterGroups {
    var groups: [ParameterGroup] = []
    for (i, item) in (try reader.list("groups") ?? []).enumerated() {
      let place = "\(reader.place): groups[\(i)]"
      guard case .object(let members) = item, members["match"] != nil else {
        throw Failure(
          .badData, at: place, "'match' is missing",
          expected: "an object such as { match: \"encoder.hidden*\", frozen: true }")
      }
      groups.append(try ParameterGroup().setting(members, at: place))
    }
    let decay = try reader.number("layerDecay", in: 0...1) ?? 1
    return ParameterGroups(groups, layerDecay: decay)
  }

  /// The members that a recipe spells them with; none if nothing differs from the rest.
  var members: [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    if !groups.isEmpty { members["groups"] = .array(groups.map { .object($0.settingValues) }) }
    if layerDecay != 1 { members["layerDecay"] = .number(layerDecay) }
    return members
  }
}

extension JSONValue {
  /// This object with further members.
  func adding(_ more: [String: JSONValue]) -> JSONValue {
    guard case .object(let members) = self else { return self }
    return .object(members.merging(more) { own, _ in own })
  }
}

extension Recipe {
  /// What draws the classes that are kept aside for validation.
  var validationRandom: Random { Random(seed: UInt64(training.seed)).split("validation") }

  /// Whether a loss needs each item of a batch twice, augmented in two ways.
  var needsTwoViews: Bool {
    losses.contains { $0.modifiers.contains { $0.value.needsTwoViews } }
  }

  /// The recipe with every default spelled out.
  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "description": .string(description),
      "data": data.json.adding(teacher.map { ["teacher": .object($0.settingValues)] } ?? [:]),
      "model": model.json.adding(start?.members ?? [:]),
      "losses": .array(losses.map(\.json)),
      "sampler": sampler.json,
      "optimizer": optimizer.json.adding(parameterGroups.members),
      "schedule": schedule.json,
      "guard": .object(collapse.settingValues),
      "training": .object(training.settingValues),
      "targets": .object(targets.mapValues { .number($0) }),
    ]
    if let learner { members["learner"] = learner.json }
    if let augmentation { members["augmentation"] = augmentation.json }
    return .object(members)
  }
}
