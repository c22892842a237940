import Autodiff
import Geometry
import Miners
import Settings

/// A loss as a recipe spells it: with its settings, and those that every loss has.
public struct LossChoice: Sendable {
  public var loss: Choice<any Loss>
  /// The weight in the sum of losses.
  public var weight: Double
  /// What chooses the tuples; nil for all.
  public var miner: Choice<any Miner>?
  /// Recent batches that the loss compares with, if any.
  public var memory: CrossBatchMemory?
  /// How the loss's terms become one number; nil for the loss's own way.
  public var reducer: Choice<any Reducer>?
  /// What is done around the loss, the outermost first.
  public var modifiers: [Choice<any Modifier>] = []
  /// How many rows the loss looks at at a time; nil for all.
  public var chunk: Int?
  /// What makes classes alike; nil if they must be the same.
  public var relevance: RelevanceChoice?

  /// Reads an object such as `{ name: "contrastive", weight: 0.5, reducer: "sum" }`.
  ///
  /// - Parameter place: where the object was written, for messages.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    var reader = try ObjectReader(value, at: place)
    weight = try reader.number("weight", in: 0...1e9) ?? 1
    miner = try reader.choice("miner", of: "miner", in: allMiners)
    try miner?.value.validate(at: "\(place): miner")
    let memory = reader.take("memory")
    reducer = try reader.choice("reducer", of: "reducer", in: allReducers)
    for (i, item) in (try reader.list("modifiers") ?? []).enumerated() {
      let value: JSONValue = if case .string = item { ["name": item] } else { item }
      var inner = try ObjectReader(value, at: "\(place): modifiers[\(i)]")
      modifiers.append(try inner.chosen(of: "modifier", in: allModifiers))
    }
    let chunk = reader.take("chunk")
    if let value = reader.take("relevance") {
      relevance = try RelevanceChoice(value, at: "\(place): relevance")
    }
    loss = try reader.chosen(of: "loss", in: allLosses)
    self.chunk = try chunk.map { value throws(Failure) in
      try Self.chunk(value, of: loss, at: "\(place): chunk")
    }
    self.memory = try Self.memory(memory, of: loss, at: "\(place): memory")
    guard relevance == nil || self.memory?.positives != .item else {
      throw Failure(
        .badData, at: "\(place): relevance", "the memory knows items and no classes",
        expected: "memory.positives \"class\", or no relevance")
    }
  }

  /// A number of rows, of a loss that goes by rows.
  private static func chunk(
    _ value: JSONValue, of loss: Choice<any Loss>, at place: String
  ) throws(Failure) -> Int {
    guard loss.value.goesByRows else {
      throw Failure(
        .badData, at: place, "the loss '\(loss.name)' looks at all rows at once",
        remedy: "leave the setting out")
    }
    guard case .number(let number) = value, let chunk = Int(exactly: number), chunk > 0 else {
      throw Failure(.badData, at: place, "this is \(value)", expected: "a whole number from 1")
    }
    return chunk
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
}

extension LossChoice {
  /// The object with every default spelled out.
  public var json: JSONValue {
    guard case .object(var members) = loss.json else { return .null }
    members["weight"] = .number(weight)
    if let miner { members["miner"] = miner.json }
    if let reducer { members["reducer"] = reducer.json }
    if !modifiers.isEmpty { members["modifiers"] = .array(modifiers.map(\.json)) }
    if let chunk { members["chunk"] = JSONValue(chunk) }
    if let relevance { members["relevance"] = relevance.json }
    if let memory { members["memory"] = .object(memory.settingValues) }
    return .object(members)
  }
}

extension LossTerm {
  /// The term of a recipe.
  public init(_ choice: LossChoice) {
    self.init(
      name: choice.loss.name, loss: choice.loss.value, weight: choice.weight,
      miner: choice.miner?.value, memory: choice.memory, reducer: choice.reducer?.value,
      modifiers: choice.modifiers.map { Named($0.name, $0.value) })
    chunk = choice.chunk
  }

  /// A loss with its settings, those that every loss has included, as in `{ reducer: "sum" }`.
  public init(
    name: String, settings: [String: JSONValue], at place: String
  ) throws(Failure) {
    var members = settings
    members["name"] = .string(name)
    for key in ["weight", "miner", "memory", "relevance"] where settings[key] != nil {
      throw Failure(
        .badData, at: place, "'\(key)' belongs to a recipe", expected: "settings of the loss")
    }
    self.init(try LossChoice(.object(members), at: place))
  }
}
