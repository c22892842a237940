import Settings

/// What a model's tensors are called in a file of weights from elsewhere.
///
/// A rule pairs a pattern of the model's names with one of the file's. `*` stands for any letters,
/// at most once, and what it stands for is put in its place: "encoder.hidden*" with "fc*" makes
/// "fc1.weight" of "encoder.hidden1.weight". The first rule that fits counts.
public struct WeightMap: Sendable, Equatable {
  public struct Rule: Sendable, Equatable {
    public var own, file: String

    public init(_ own: String, _ file: String) { (self.own, self.file) = (own, file) }
  }

  public var rules: [Rule]

  public init(_ rules: [Rule] = []) { self.rules = rules }

  /// Reads an object such as `{ "encoder.hidden*": "fc*" }`; longer patterns go before shorter ones.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    guard case .object(let members) = value else {
      throw Failure(
        .badData, at: place, "this is \(value.kind)",
        expected: "an object such as { \"encoder.hidden*\": \"fc*\" }")
    }
    rules = []
    let order = members.keys.sorted { $0.count == $1.count ? $0 < $1 : $0.count > $1.count }
    for own in order {
      guard case .string(let file)? = members[own] else {
        throw Failure(
          .badData, at: "\(place): \(own)", "this is no text", expected: "a name in the file")
      }
      let stars = [own, file].map { $0.filter { $0 == "*" }.count }
      guard stars[0] == stars[1], stars[0] <= 1 else {
        throw Failure(
          .badData, at: "\(place): \(own)", "'\(own)' and '\(file)' do not fit each other",
          expected: "one * in both, or in neither")
      }
      rules.append(Rule(own, file))
    }
  }

  /// The name in the file by the first rule that fits; nil if none does.
  public func name(of own: String) -> String? {
    for rule in rules {
      let parts = rule.own.split(separator: "*", omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        if rule.own == own { return rule.file }
        continue
      }
      guard own.hasPrefix(parts[0]), own.hasSuffix(parts[1]),
        own.utf8.count >= parts[0].utf8.count + parts[1].utf8.count
      else { continue }
      let inner = own.dropFirst(parts[0].count).dropLast(parts[1].count)
      return rule.file.split(separator: "*", omittingEmptySubsequences: false)
        .joined(separator: String(inner))
    }
    return nil
  }

  public var json: JSONValue {
    .object(Dictionary(uniqueKeysWithValues: rules.map { ($0.own, .string($0.file)) }))
  }
}
