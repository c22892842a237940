import Settings

/// A component of tokenizer.json: an object with a type and settings of its own.
struct ComponentReader {
  let node: JSONNode
  /// The file and the component, for messages.
  let place: String

  init(_ node: JSONNode, at place: String) throws(Failure) {
    guard case .object = node else {
      throw Failure(.badData, at: place, "this is \(node.kind)", expected: "an object")
    }
    (self.node, self.place) = (node, place)
  }

  private func wrong(_ key: String, _ expected: String) -> Failure {
    Failure(
      .badData, at: place, "'\(key)' is \(node[key]?.kind ?? "missing")", expected: expected)
  }

  var type: String {
    get throws(Failure) { try text("type") }
  }

  func text(_ key: String) throws(Failure) -> String {
    guard let text = node[key]?.string else { throw wrong(key, "a text") }
    return text
  }
  func scalars(_ key: String) throws(Failure) -> [UInt32] {
    guard let text = node[key]?.scalars else { throw wrong(key, "a text") }
    return text
  }
  func flag(_ key: String) throws(Failure) -> Bool {
    guard let flag = node[key]?.flag else { throw wrong(key, "true or false") }
    return flag
  }
  func flag(_ key: String, default fallback: Bool) throws(Failure) -> Bool {
    node[key] == nil ? fallback : try flag(key)
  }
  func list(_ key: String) throws(Failure) -> [JSONNode] {
    guard let items = node[key]?.list else { throw wrong(key, "a list") }
    return items
  }
  func id(_ key: String) throws(Failure) -> Int {
    guard let id = node[key]?.id else { throw wrong(key, "an id: a whole number from 0") }
    return id
  }
  /// The components of a sequence.
  func components(_ key: String) throws(Failure) -> [ComponentReader] {
    var result: [ComponentReader] = []
    for (i, item) in try list(key).enumerated() {
      result.append(try ComponentReader(item, at: "\(place)[\(i)]"))
    }
    return result
  }

  /// A pattern: {"String": …}, {"Regex": …} or, as older files have it, a text.
  func pattern(_ key: String) throws(Failure) -> any Pattern {
    if let text = node[key]?.scalars { return LiteralPattern(text) }
    if let text = node[key]?["String"]?.scalars { return LiteralPattern(text) }
    if let text = node[key]?["Regex"]?.string { return try makePattern(text, at: place) }
    throw wrong(key, "a pattern: {\"String\": …} or {\"Regex\": …}")
  }

  /// Says that this type is not there.
  func unknown(_ kind: String, _ names: [String]) throws(Failure) -> Failure {
    let type = try type
    return Failure(
      .badData, at: place, "the \(kind) '\(type)' is not supported",
      remedy: suggestion(for: type, among: names))
  }
}

private func makePattern(_ text: String, at place: String) throws(Failure) -> any Pattern {
  switch text {
  case ByteLevelPattern.source: ByteLevelPattern()
  case DigitTriplesPattern.source: DigitTriplesPattern()
  default: try RegularExpression(text, at: place)
  }
}
