import Settings

/// What was mined for a query.
public struct MinedQuery: Sendable, Equatable {
  public var query: Int
  public var positives: [Candidate]
  public var choice: Choice

  /// A line of JSON: scores to the last bit, ranks from 0.
  public var line: String {
    var text = "{\"query\": \(query), \"positives\": ["
    for (i, positive) in positives.enumerated() {
      text += (i > 0 ? ", " : "") + "{" + MinedQuery.members(of: positive) + "}"
    }
    text += "], \"negatives\": ["
    for (i, negative) in choice.negatives.enumerated() {
      text += (i > 0 ? ", " : "") + "{" + MinedQuery.members(of: negative.candidate)
      text += ", \"rank\": \(negative.rank)}"
    }
    text += "], \"dropped\": ["
    for (i, dropped) in choice.dropped.enumerated() {
      text += (i > 0 ? ", " : "") + "{" + MinedQuery.members(of: dropped.candidate)
      text += ", \"why\": \"\(dropped.reason.rawValue)\"}"
    }
    return text + (choice.lacksPositive ? "], \"lacksPositive\": true}\n" : "]}\n")
  }

  private static func members(of candidate: Candidate) -> String {
    let text = "\"row\": \(candidate.row), \"score\": \(candidate.score)"
    return candidate.retrieverScore.map { text + ", \"retrieverScore\": \($0)" } ?? text
  }
}

/// What was mined in all.
public struct MiningSummary: Sendable, Equatable {
  public var queries = 0
  public var negatives = 0
  /// Queries with as many negatives as were asked for, and with fewer.
  public var complete = 0
  public var short = 0
  /// Queries for which the policy asks for a positive and there is none.
  public var lackPositive = 0
  public var dropped: [DropReason: Int] = [:]

  public init() {}

  mutating func add(_ mined: MinedQuery, asked: Int) {
    queries += 1
    negatives += mined.choice.negatives.count
    if mined.choice.lacksPositive { lackPositive += 1 }
    if mined.choice.negatives.count == asked { complete += 1 } else { short += 1 }
    for one in mined.choice.dropped { dropped[one.reason, default: 0] += 1 }
  }

  public var json: JSONValue {
    var reasons: [String: JSONValue] = [:]
    for reason in DropReason.allCases { reasons[reason.rawValue] = JSONValue(dropped[reason] ?? 0) }
    return [
      "queries": JSONValue(queries), "negatives": JSONValue(negatives),
      "complete": JSONValue(complete), "short": JSONValue(short),
      "lackPositive": JSONValue(lackPositive), "dropped": .object(reasons),
    ]
  }

  init(_ value: JSONValue?) {
    func whole(_ value: JSONValue?) -> Int {
      guard case .number(let number)? = value else { return 0 }
      return Int(exactly: number) ?? 0
    }
    queries = whole(value?["queries"])
    negatives = whole(value?["negatives"])
    complete = whole(value?["complete"])
    short = whole(value?["short"])
    lackPositive = whole(value?["lackPositive"])
    for reason in DropReason.allCases {
      dropped[reason] = whole(value?["dropped"]?[reason.rawValue])
    }
    dropped = dropped.filter { $0.value > 0 }
  }
}
