import Classical
import Settings

/// A classical learner that a recipe names, in the place of losses and steps.
///
///     learner: { name: "lmnn", neighbors: 3, standardize: true, components: 2 }
///
/// Beside the learner's own settings it has those of ``LearnerOptions``.
public struct LearnerChoice: Sendable {
  public let name: String
  public let learner: any MetricLearner
  public var options: LearnerOptions

  /// - Parameter value: an object with the name and settings, or the name alone.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    var value = value
    if case .string = value { value = ["name": value] }
    guard case .object(var members) = value else {
      throw Failure(
        .badData, at: place, "this is \(value.kind)",
        expected: "an object such as { name: \"lmnn\" }")
    }
    guard case .string(let name)? = members.removeValue(forKey: "name") else {
      throw Failure(
        .badData, at: place, "'name' is missing",
        expected: "the name of a learner: " + allLearners.map(\.name).joined(separator: ", "))
    }
    let known: any MetricLearner = try allLearners.named(name, kind: "learner", at: place)
    try self.init(name, known, members, at: place)
  }

  public init(
    _ name: String, _ learner: any MetricLearner, _ settings: [String: JSONValue], at place: String
  ) throws(Failure) {
    let shared = Set(LearnerOptions.settings.map(\.name))
    var own = settings.filter { !shared.contains($0.key) }
    // The other spelling of one setting.
    if let neighbors = own["neighbours"], own["neighbors"] == nil {
      own["neighbours"] = nil
      own["neighbors"] = neighbors
    }
    self.name = name
    self.learner = try configured(learner, own, at: place)
    options = try LearnerOptions().setting(
      settings.filter { shared.contains($0.key) && $0.value != .null }, at: place)
  }

  /// The name and every setting.
  public var json: JSONValue {
    var members = learner.settingValues
    members.merge(options.settingValues) { own, _ in own }
    members["name"] = .string(name)
    return .object(members)
  }
}

/// What every classical learner can be told.
public struct LearnerOptions: Configurable {
  public var standardize = false
  public var components = 0
  public var pairs = ""
  public var pairLabels = ""
  public var triplets = ""
  public var quadruplets = ""
  public var chunks = ""

  public init() {}

  public static let settings = [
    Setting(
      "standardize", \Self.standardize,
      "whether columns get mean 0 and deviation 1, by the rows learned from; goes with the model"),
    Setting(
      "components", \Self.components, "the width of an embedding; 0: as the learner has it",
      in: 0...65_536),
    Setting("pairs", \Self.pairs, "an .npy file of pairs of rows, [pairs, 2]; empty: from labels"),
    Setting("pairLabels", \Self.pairLabels, "+1 for alike and -1 for unlike pairs"),
    Setting(
      "triplets", \Self.triplets,
      "rows a, b, c, [n, 3]: a is nearer to b than to c; empty: from labels"),
    Setting(
      "quadruplets", \Self.quadruplets,
      "rows a, b, c, d, [n, 4]: a is nearer to b than c is to d; empty: from labels"),
    Setting("chunks", \Self.chunks, "the chunk of each row, -1 for none; empty: from labels"),
  ]

  /// Whether there are constraints in files, which count rows.
  public var hasConstraints: Bool {
    [pairs, triplets, quadruplets, chunks].contains { !$0.isEmpty }
  }
}
