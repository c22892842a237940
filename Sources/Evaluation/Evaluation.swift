import Settings

/// The numbers that an evaluation found, each with the definition that it follows.
public struct Evaluation: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public let name: String
    /// The definition's identity; see ``MetricDescription/id``.
    public let id: String
    /// The number, or nil where the data do not allow one.
    public let value: Double?
    /// Why there is no number; empty when there is one.
    public let reason: String
  }

  public let entries: [Entry]
  /// All queries, those without a match in the gallery included.
  public let queries: Int
  /// Queries without a match in the gallery; the retrieval metrics leave them out.
  public let loneQueries: Int
  /// Different labels among the queries; nil where relevance is not by class.
  public let classes: Int?

  /// The value of a metric, or nil if it was not asked for or has none.
  public subscript(name: String) -> Double? {
    entries.first { $0.name == name }?.value
  }

  /// One member per metric (null where there is no number), and the counts.
  public var json: JSONValue {
    var members = Dictionary(
      entries.map { ($0.name, $0.value.map { .number($0) } ?? JSONValue.null) }
    ) { $1 }
    members["queries"] = JSONValue(queries)
    members["lone-queries"] = JSONValue(loneQueries)
    if let classes { members["classes"] = JSONValue(classes) }
    members["definitions"] = .object(
      Dictionary(entries.map { ($0.name, .string($0.id)) }) { $1 })
    return .object(members)
  }
}
