import Settings

extension JSONValue {
  /// Sets what lies at a path, as `--set losses.0.margin=0.2` does.
  ///
  /// Objects on the way are made as needed; a list takes an index that it has, or its length to
  /// append. The text is read as JSON5, or taken as it is when it is a bare word.
  public mutating func set(_ assignment: String) throws(Failure) {
    let place = "--set \(assignment)"
    guard let split = assignment.firstIndex(of: "="), split != assignment.startIndex else {
      throw Failure(
        .badUsage, at: place, "there is no '='",
        expected: "key.path=value, as in training.steps=100")
    }
    let path = assignment[..<split].split(separator: ".").map(String.init)
    let text = String(assignment[assignment.index(after: split)...])
    let value = (try? JSONValue(json5: text, at: place)) ?? .string(text)
    try set(path[...], to: value, at: place)
  }

  private mutating func set(
    _ path: ArraySlice<String>, to value: JSONValue, at place: String
  ) throws(Failure) {
    guard let key = path.first else {
      self = value
      return
    }
    switch self {
    case .object(var members):
      var member = members[key] ?? .object([:])
      if member == .null { member = .object([:]) }
      try member.set(path.dropFirst(), to: value, at: place)
      members[key] = member
      self = .object(members)
    case .array(var items):
      guard let index = Int(key), (0...items.count).contains(index) else {
        throw Failure(
          .badUsage, at: place, "'\(key)' is not a place in a list of \(items.count)",
          expected: "0 to \(items.count)")
      }
      if index == items.count { items.append(.object([:])) }
      try items[index].set(path.dropFirst(), to: value, at: place)
      self = .array(items)
    default:
      throw Failure(
        .badUsage, at: place, "what holds '\(key)' is \(kind)", expected: "an object or a list")
    }
  }
}
