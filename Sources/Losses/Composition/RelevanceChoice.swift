import Geometry
import Settings

/// What a recipe says makes classes alike; the classes go by their names.
///
///     "class-names"                                the hierarchy of names such as "dog/pug"
///     { labelSets: { cat: ["pet", "small"] } }     a set for each class
///     { hierarchy: { tabby: ["cat", "tabby"] }, weights: [0.3, 0.7] }
///     { scores: [["tabby", "manx", 0.8]] }         how alike two classes are
public struct RelevanceChoice: Sendable {
  /// As it was written.
  public let json: JSONValue
  private let place: String

  public init(_ json: JSONValue, at place: String) throws(Failure) {
    (self.json, self.place) = (json, place)
    switch json {
    case .string("class-names"), .object: break
    default:
      throw Failure(
        .badData, at: place, "this is \(json)",
        expected: "\"class-names\", or an object with \"labelSets\", \"hierarchy\" or \"scores\"")
    }
  }

  /// The relevance of classes that are numbered by the order of their names.
  public func relevance(ofClasses names: [String]) throws(Failure) -> Relevance {
    guard case .object(var members) = json else { return try hierarchy(of: names) }
    for key in ["labelSets", "hierarchy"] {
      guard case .object(let rows)? = members[key] else { continue }
      var list: [JSONValue] = []
      for name in names {
        guard let row = rows[name] else {
          throw Failure(
            .badData, at: "\(place): \(key)", "nothing is said of the class '\(name)'",
            expected: "one list for each of the \(names.count) classes that are trained on")
        }
        list.append(row)
      }
      members[key] = .array(list)
    }
    if case .array(let rows)? = members["scores"] {
      let numbers = Dictionary(zip(names, names.indices)) { first, _ in first }
      var list: [JSONValue] = []
      for row in rows {
        guard case .array(var items) = row else {
          list.append(row)
          continue
        }
        var isKnown = true
        for i in items.indices.prefix(2) {
          guard case .string(let name) = items[i] else { continue }
          if let number = numbers[name] { items[i] = JSONValue(number) } else { isKnown = false }
        }
        // Classes that are kept aside are not trained on.
        if isKnown { list.append(.array(items)) }
      }
      members["scores"] = .array(list)
    }
    return try Relevance(.object(members), at: place)
  }

  private func hierarchy(of names: [String]) throws(Failure) -> Relevance {
    let paths = names.map { $0.split(separator: "/").map { JSONValue.string(String($0)) } }
    guard let first = paths.first, first.count > 1, paths.allSatisfy({ $0.count == first.count })
    else {
      let odd = zip(names, paths).first { $1.count != paths[0].count || $1.count < 2 }?.0 ?? ""
      throw Failure(
        .badData, at: place, "the class name '\(odd)' is no path as the others are",
        expected: "names such as \"dog/pug\", all of the same depth",
        remedy: "write the hierarchy out, as in { hierarchy: { pug: [\"dog\", \"pug\"] } }")
    }
    return try Relevance(["hierarchy": .array(paths.map { .array($0) })], at: place)
  }
}
