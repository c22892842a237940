import Autodiff
import Foundation
import Settings

/// Retrieval judged by graded relevance.
public struct RelevanceEvaluation: Sendable, Equatable {
  /// Name, definition and value of each metric.
  public let entries: [(name: String, id: String, value: Double)]
  /// Queries with a relevant item, over which all are means, and queries without.
  public let queries, loneQueries: Int

  public static func == (a: RelevanceEvaluation, b: RelevanceEvaluation) -> Bool {
    a.entries.elementsEqual(b.entries, by: ==) && a.queries == b.queries
      && a.loneQueries == b.loneQueries
  }

  public subscript(name: String) -> Double? { entries.first { $0.name == name }?.value }

  /// One member per metric, the definitions and the counts.
  public var json: JSONValue {
    var members = Dictionary(entries.map { ($0.name, JSONValue.number($0.value)) }) { $1 }
    members["queries"] = JSONValue(queries)
    members["lone-queries"] = JSONValue(loneQueries)
    members["definitions"] = .object(
      Dictionary(entries.map { ($0.name, .string($0.id)) }) { $1 })
    return .object(members)
  }
}

/// Judges how well near embeddings are relevant to each other, by grades.
///
/// Every item searches all others; equally distant ones stand by row; queries without a relevant item
/// are left out. With rel the grade and rank counted from 1:
/// - `h-ap`, hierarchical average precision: Σₖ (1 / rank(k)) Σ_{j at or before k} min(rel(k), rel(j))
///   over Σₖ rel(k), for relevant k (Ramzi et al., Hierarchical Average Precision Training, 2022);
///   average precision where all grades are equal;
/// - `ndcg`, `ndcg@10`: Σ rel / log₂(rank + 1) over the most it can be (linear gains);
/// - `map`: average precision with every grade above 0 a match; `recall@1`: such a one is nearest;
/// - `recall@1/level-l`: the nearest agrees in the label of level l (1 is the finest), for levels.
///
/// - Throws: if the relevance does not fit the embeddings.
/// - Complexity: O(n² (d + log n)).
public func evaluateRelevance(
  _ embeddings: Tensor, _ relevance: Relevance,
  distance: EvaluationOptions.Distance = .euclidean, name: String = "embeddings"
) throws(Failure) -> RelevanceEvaluation {
  let n = embeddings.shape.first ?? 0
  let set = EmbeddingSet(
    embeddings: embeddings, labels: [Int](repeating: 0, count: n), name: name)
  try set.check()
  guard relevance.count == n else {
    throw Failure(
      .badData, at: name, "there are \(n) embeddings and a relevance of \(relevance.count) items",
      expected: "as many of both")
  }
  try relevance.check(at: name)
  return embeddings.dtype == .float64
    ? RelevanceEvaluator<Double>(set, relevance, distance).evaluate()
    : RelevanceEvaluator<Float>(set, relevance, distance).evaluate()
}

private struct RelevanceEvaluator<S: Scalar> {
  let rows: LabeledRows<S>
  let relevance: Relevance

  init(_ set: EmbeddingSet, _ relevance: Relevance, _ distance: EvaluationOptions.Distance) {
    rows = LabeledRows<S>.prepare([set], distance: distance)[0]
    self.relevance = relevance
  }

  private var levelCount: Int {
    if case .levels(let rows) = relevance { rows[0].count } else { 0 }
  }

  func evaluate() -> RelevanceEvaluation {
    var names = [
      ("h-ap", "h-ap/min-of-grades/over-sum-of-grades/lone-excluded"),
      ("ndcg", "ndcg/linear-gain/log2/lone-excluded"),
      ("ndcg@10", "ndcg@10/linear-gain/log2/lone-excluded"),
      ("map", "map/any-grade/whole-gallery/lone-excluded"),
      ("recall@1", "recall@1/any-grade/lone-excluded"),
    ]
    for level in 0..<levelCount {
      names.append(
        ("recall@1/level-\(level + 1)", "recall@1/same-label-of-level-\(level + 1)/lone-excluded"))
    }
    let width = names.count
    var values = [Double](repeating: .nan, count: rows.count * width)
    values.withUnsafeMutableBufferPointer { values in
      let values = values
      _ = DistanceRows(query: rows, gallery: rows, isSelf: true).reduce(0) { _, query, line in
        let order = line.indices.filter { $0 != query }.sorted {
          line[$0] != line[$1] ? line[$0] < line[$1] : $0 < $1
        }
        for (i, value) in measures(of: query, order).enumerated() {
          values[query * width + i] = value
        }
      }
    }
    let known = (0..<rows.count).filter { !values[$0 * width].isNaN }
    let entries = names.enumerated().compactMap { i, name -> (String, String, Double)? in
      let own = known.map { values[$0 * width + i] }.filter { !$0.isNaN }
      return own.isEmpty ? nil : (name.0, name.1, own.reduce(0, +) / Double(own.count))
    }
    return RelevanceEvaluation(
      entries: entries, queries: known.count, loneQueries: rows.count - known.count)
  }

  /// Nothing for a query to which no other item is relevant.
  private func measures(of query: Int, _ order: [Int]) -> [Double] {
    let grades = order.map { relevance.grade(query, $0) }
    let relevant = grades.indices.filter { grades[$0] > 0 }
    guard !relevant.isEmpty else { return [] }
    var (hierarchical, precision, total) = (0.0, 0.0, 0.0)
    var shared = SharedGrades(relevant.map { grades[$0] })
    for (place, k) in relevant.enumerated() {
      let rank = Double(k + 1)
      hierarchical += shared.add(grades[k]) / rank
      precision += Double(place + 1) / rank
      total += grades[k]
    }
    let ideal = relevant.map { grades[$0] }.sorted(by: >)
    func gain(_ grades: some Sequence<Double>) -> Double {
      grades.enumerated().reduce(0.0) { $0 + $1.element / log2(Double($1.offset + 2)) }
    }
    var values = [
      hierarchical / total, gain(grades) / gain(ideal),
      gain(grades.prefix(10)) / gain(ideal.prefix(10)), precision / Double(relevant.count),
      grades[0] > 0 ? 1 : 0,
    ]
    if case .levels(let labels) = relevance {
      for level in labels[query].indices {
        let hasMatch = order.contains { labels[$0][level] == labels[query][level] }
        let isRight = labels[order[0]][level] == labels[query][level]
        values.append(hasMatch ? (isRight ? 1 : 0) : .nan)
      }
    }
    return values
  }
}
