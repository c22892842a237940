/// A registered value that a recipe names, with its settings.
public struct Choice<Value: Sendable>: Sendable {
  public let name: String
  public let value: Value

  public init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }

  /// The name and every setting, as a recipe spells them.
  public var json: JSONValue {
    var members = (value as? any Configurable)?.settingValues ?? [:]
    members["name"] = .string(name)
    return .object(members)
  }
}

/// Reads the members of one object of a recipe and refuses those that nobody asked for.
package struct ObjectReader {
  /// Where the object stands, as in "recipe.json5: losses[0]".
  package let place: String
  private var members: [String: JSONValue]
  private var asked: [String] = []

  package init(_ value: JSONValue, at place: String) throws(Failure) {
    guard case .object(let members) = value else {
      throw Failure(
        .badData, at: place, "this is \(value.kind)",
        expected: "an object such as { name: \"value\" }")
    }
    (self.place, self.members) = (place, members)
  }

  /// Takes a member out; nil when it is absent or null.
  package mutating func take(_ key: String) -> JSONValue? {
    asked.append(key)
    let value = members.removeValue(forKey: key)
    return value == .null ? nil : value
  }

  package mutating func text(_ key: String) throws(Failure) -> String? {
    guard let value = take(key) else { return nil }
    guard case .string(let text) = value else {
      throw Failure(.badData, at: "\(place): \(key)", "this is \(value.kind)", expected: "a text")
    }
    return text
  }

  package mutating func number(_ key: String, in range: ClosedRange<Double>) throws(Failure)
    -> Double?
  {
    guard let value = take(key) else { return nil }
    guard case .number(let number) = value, range.contains(number) else {
      throw Failure(
        .badData, at: "\(place): \(key)", "this is \(value)",
        expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  package mutating func list(_ key: String) throws(Failure) -> [JSONValue]? {
    guard let value = take(key) else { return nil }
    guard case .array(let items) = value else {
      throw Failure(.badData, at: "\(place): \(key)", "this is \(value.kind)", expected: "a list")
    }
    return items
  }

  /// Whether a member is there that was not taken yet.
  package func has(_ key: String) -> Bool { members[key] != nil }

  /// Takes an object out to be read by itself; a text is the object's name.
  package mutating func object(_ key: String) throws(Failure) -> ObjectReader? {
    guard var value = take(key) else { return nil }
    if case .string = value { value = ["name": value] }
    return try ObjectReader(value, at: "\(place): \(key)")
  }

  /// Takes an object that names a registered value: { name: "…", setting: … }.
  package mutating func choice<Value: Sendable>(
    _ key: String, of kind: String, in registry: [Named<Value>]
  ) throws(Failure) -> Choice<Value>? {
    var inner = try object(key)
    return try inner?.chosen(of: kind, in: registry)
  }

  /// Reads this object as one that names a registered value; what is left are its settings.
  package mutating func chosen<Value: Sendable>(
    of kind: String, in registry: [Named<Value>]
  ) throws(Failure) -> Choice<Value> {
    guard let name = try text("name") else {
      throw Failure(
        .badData, at: place, "'name' is missing",
        expected: "the name of a \(kind): " + registry.map(\.name).joined(separator: ", "))
    }
    let value: Value = try registry.named(name, kind: kind, at: place)
    return Choice(name, try configured(value, members, at: place))
  }

  /// Fails when a member is left that was not asked for.
  package func finish() throws(Failure) {
    guard let key = members.keys.min() else { return }
    throw Failure(
      .badData, at: place, "there is no key '\(key)'", remedy: suggestion(for: key, among: asked))
  }
}
