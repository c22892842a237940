import Settings

/// A loss over columns as a recipe spells it: with its settings, its weight and what is around it.
public struct ColumnLossChoice: Sendable {
  public var loss: Choice<any ColumnLoss>
  /// The weight in the sum of losses.
  public var weight: Double
  /// What is done around the loss, the outermost first.
  public var modifiers: [Choice<any ColumnModifier>] = []

  /// Reads an object such as `{ name: "multiple-negatives-ranking", scale: 20, weight: 0.5 }`.
  ///
  /// - Parameter place: where the object was written, for messages.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    let value: JSONValue = if case .string = value { ["name": value] } else { value }
    var reader = try ObjectReader(value, at: place)
    weight = try reader.number("weight", in: 0...1e9) ?? 1
    for (i, item) in (try reader.list("modifiers") ?? []).enumerated() {
      let value: JSONValue = if case .string = item { ["name": item] } else { item }
      var inner = try ObjectReader(value, at: "\(place): modifiers[\(i)]")
      modifiers.append(try inner.chosen(of: "modifier of columns", in: allColumnModifiers))
    }
    loss = try reader.chosen(of: "loss over columns", in: allColumnLosses)
  }

  /// The object with every default spelled out.
  public var json: JSONValue {
    guard case .object(var members) = loss.json else { return .null }
    members["weight"] = .number(weight)
    if !modifiers.isEmpty { members["modifiers"] = .array(modifiers.map(\.json)) }
    return .object(members)
  }
}
