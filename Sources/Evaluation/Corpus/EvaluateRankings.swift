import Settings

/// Judges what a search in a corpus found by the documents that answer each query.
///
/// - Parameters:
///   - rankings: for each query documents, the nearest first; as many as the deepest metric looks at,
///     or all there are.
///   - answers: for each query the documents that answer it; no query without one counts.
///   - metrics: names, each for any k, such as `ndcg@10`.
/// - Throws: for an unknown metric, or if no query has an answer.
/// - Complexity: O(queries × depth).
public func evaluateRankings(
  _ rankings: [[Int]], answers: [[Int]], metrics names: [String] = allCorpusMetrics.map(\.name)
) throws(Failure) -> Evaluation {
  precondition(
    rankings.count == answers.count,
    "evaluateRankings: \(rankings.count) rankings for \(answers.count) queries")
  var metrics: [CorpusMetric] = []
  for name in names { metrics.append(try corpusMetric(named: name, at: "metrics")) }
  var sums = [Double](repeating: 0, count: metrics.count)
  var judged = 0
  for (ranking, answers) in zip(rankings, answers) where !answers.isEmpty {
    judged += 1
    let known = Set(answers)
    let ranks = ranking.indices.filter { known.contains(ranking[$0]) }.map { $0 + 1 }
    for (i, metric) in metrics.enumerated() {
      sums[i] += metric.measure(ranks.prefix { $0 <= metric.depth }, known.count)
    }
  }
  guard judged > 0 else {
    throw Failure(.badData, at: "answers", "no query has a document that answers it")
  }
  let entries = zip(names, metrics).enumerated().map { i, named in
    Evaluation.Entry(
      name: named.0, id: named.1.id, value: sums[i] / Double(judged), reason: "")
  }
  return Evaluation(
    entries: entries, queries: rankings.count, loneQueries: rankings.count - judged, classes: nil)
}
