import Settings

extension Relevance {
  /// Reads a relevance, one of
  ///
  ///     { labelSets: [[0, 3], [1], ["blue", "round"]] }         a list for each label
  ///     { hierarchy: [[0, 0], [0, 1], [1, 2]], weights: [0.3, 0.7] }
  ///                                      a path for each label, the coarsest level first
  ///     { scores: [[0, 1, 0.8], [0, 2, 0]] }                    two labels and their score
  ///
  /// Names in sets and paths are numbers or texts. Without `weights` the levels of a hierarchy weigh
  /// the same, and 1 together.
  public init(_ value: JSONValue, at place: String) throws(Failure) {
    guard case .object(let members) = value,
      let key = ["labelSets", "hierarchy", "scores"].first(where: { members[$0] != nil }),
      members.keys.allSatisfy({ $0 == key || key == "hierarchy" && $0 == "weights" }),
      case .array(let rows)? = members[key]
    else {
      throw Failure(
        .badData, at: place, "this is no relevance",
        expected: "an object with a list \"labelSets\", \"hierarchy\" (and \"weights\") or "
          + "\"scores\"")
    }
    var names = Names()
    switch key {
    case "labelSets": self = .labelSets(try names.lists(rows, at: "\(place): \(key)"))
    case "hierarchy":
      let paths = try names.lists(rows, at: "\(place): \(key)")
      let depth = paths.first?.count ?? 0
      var weights = [Double](repeating: 1 / Double(max(1, depth)), count: depth)
      if let given = members["weights"] {
        weights = try Relevance.numbers(given, count: depth, at: "\(place): weights")
      }
      self = .hierarchy(paths, weights: weights)
    default:
      var scores: [LabelPair: Double] = [:]
      for (i, row) in rows.enumerated() {
        let place = "\(place): scores[\(i)]"
        let numbers = try Relevance.numbers(row, count: 3, at: place)
        guard let a = Int(exact: numbers[0]), let b = Int(exact: numbers[1]) else {
          throw Failure(
            .badData, at: place, "\(numbers[0]) and \(numbers[1]) are no labels",
            expected: "two whole numbers within ±2^53, and a score")
        }
        scores[LabelPair(min(a, b), max(a, b))] = numbers[2]
      }
      self = .scores(scores)
    }
  }

  private static func numbers(
    _ value: JSONValue, count: Int, at place: String
  ) throws(Failure) -> [Double] {
    var numbers: [Double] = []
    if case .array(let items) = value {
      for case .number(let number) in items { numbers.append(number) }
      if numbers.count == count, items.count == count { return numbers }
    }
    throw Failure(
      .badData, at: place, "this is \(value.description.prefix(40))",
      expected: "a list of \(count) numbers")
  }
}

/// Numbers for names in the order in which they come.
private struct Names {
  private var numbers: [String: Int] = [:]

  mutating func lists(_ rows: [JSONValue], at place: String) throws(Failure) -> [[Int]] {
    var lists: [[Int]] = []
    for (i, row) in rows.enumerated() {
      guard case .array(let items) = row else {
        throw Failure(
          .badData, at: "\(place)[\(i)]", "this is \(row.kind)",
          expected: "a list of numbers or texts")
      }
      var list: [Int] = []
      for item in items { list.append(try number(of: item, at: "\(place)[\(i)]")) }
      lists.append(list)
    }
    return lists
  }

  private mutating func number(of item: JSONValue, at place: String) throws(Failure) -> Int {
    switch item {
    case .number, .string:
      let number = numbers[item.description] ?? numbers.count
      numbers[item.description] = number
      return number
    default:
      throw Failure(
        .badData, at: place, "there is \(item.kind) in it", expected: "numbers or texts")
    }
  }
}
