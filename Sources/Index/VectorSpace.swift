import Autodiff
import Files
import Settings

/// What is known of the space that the vectors of a file are in; E.space.json beside E.npy.
///
/// It goes with the vectors from the model that made them into every index of them, so that a search
/// can tell queries of another space, whose numbers would be compared all the same.
public struct VectorSpace: Sendable, Equatable {
  /// The checksum of the model that made the vectors; nil if that is not known.
  public var model: String?
  public var columns: Int
  /// Whether all vectors have unit length, so that inner products are cosines.
  public var isUnit: Bool
  public var metric: ExactIndex.Metric
  /// Whether the index takes items as they are and makes the vectors itself.
  public var takesItems: Bool
  /// The checksum of a file of labels that lay beside when the vectors were written without any: it is
  /// of others.
  public var earlierLabels: String?

  public init(
    model: String?, columns: Int, isUnit: Bool, metric: ExactIndex.Metric, takesItems: Bool = false
  ) {
    (self.model, self.columns, self.isUnit) = (model, columns, isUnit)
    (self.metric, self.takesItems) = (metric, takesItems)
  }

  /// The space of some vectors, by how long they are.
  public init(of vectors: Tensor, model: String?) {
    let metric = ExactIndex.Metric.automatic(for: vectors)
    self.init(
      model: model, columns: vectors.shape[1], isUnit: metric == .innerProduct, metric: metric)
  }

  /// Where a file of vectors, or an index, says what its space is.
  public static func path(beside file: String) -> String {
    FileSystem.path(file, ending: ".space.json")
  }

  /// What lies beside a file; nil if there is nothing.
  public init?(beside file: String) throws(Failure) {
    let path = VectorSpace.path(beside: file)
    guard FileSystem.exists(path) else { return nil }
    let value = try JSONValue(json5: try FileSystem.readText(path), at: path)
    guard let columns = value["columns"]?.wholeValue, columns > 0,
      case .bool(let isUnit)? = value["unitLength"], case .string(let word)? = value["metric"],
      let metric = ExactIndex.Metric(rawValue: word)
    else {
      throw Failure(
        .badData, at: path, "this does not tell the space of vectors",
        expected: "columns, unitLength and metric", remedy: "remove the file, or export again")
    }
    var model: String?
    if case .string(let text)? = value["model"] { model = text }
    self.init(
      model: model, columns: columns, isUnit: isUnit, metric: metric,
      takesItems: value["takesItems"] == .bool(true))
    if case .string(let text)? = value["earlierLabels"] { earlierLabels = text }
  }

  public var json: JSONValue {
    var members: [String: JSONValue] = [
      "model": model.map { .string($0) } ?? .null, "columns": JSONValue(columns),
      "unitLength": .bool(isUnit), "metric": .string(metric.rawValue),
      "takesItems": .bool(takesItems),
    ]
    if let earlierLabels { members["earlierLabels"] = .string(earlierLabels) }
    return .object(members)
  }

  public var bytes: [UInt8] { Array(json.indented.utf8) }
}

extension VectorIndex {
  /// Whether its vectors have unit length, so that inner products with unit queries are cosines; nil if
  /// that cannot be seen, as in an index that changes queries before it compares them.
  package var hasUnitRows: Bool? {
    switch self {
    case let exact as ExactIndex: ExactIndex.Metric.isUnit(exact.rows, within: 1e-3)
    case let graph as HNSWIndex: graph.withRows { HNSWIndex.isUnit($0, graph.dimension) }
    case let mapped as IdentifiedIndex: mapped.base.hasUnitRows
    case let refined as RefinedIndex: ExactIndex.Metric.isUnit(refined.exact.vectors, within: 1e-3)
    case let lists as InvertedIndex: ExactIndex.Metric.isUnit(lists.listed, within: 1e-3)
    default: nil
    }
  }
}

extension HNSWIndex {
  func withRows<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    defer { withExtendedLifetime(self) {} }
    return body(vectorBlock.elements)
  }

  static func isUnit(_ rows: UnsafeBufferPointer<Float>, _ columns: Int) -> Bool {
    stride(from: 0, to: rows.count, by: columns).allSatisfy { start in
      abs(rows[start..<start + columns].reduce(0) { $0 + $1 * $1 } - 1) < 2e-3
    }
  }
}
