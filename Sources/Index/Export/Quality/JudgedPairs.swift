import Autodiff
import Settings

/// Pairs of vectors of which the classes tell whether they are alike, and a threshold.
struct JudgedPairs {
  /// The least similarity, or negated distance, of a match.
  let threshold: Double
  /// The errors of the exact vectors.
  let exact: ErrorRates
  private let queries: Tensor
  private let queryRows, rows, labels: [Int]

  private static let (mostQueries, mostRows) = (500, 2000)

  /// Nil if there are no classes, or no pairs of one class or of two.
  init?(
    _ index: ExactIndex, _ options: ExportOptions, sample: [Int]
  ) throws(Failure) {
    guard options.labels.count == index.count else { return nil }
    labels = options.labels
    rows = Array(sample.prefix(JudgedPairs.mostRows))
    queryRows = Array(rows.prefix(JudgedPairs.mostQueries))
    queries = index.rows.rows(at: queryRows)
    var (same, different) = JudgedPairs.scores(
      index.metric, index.rows, queries, queryRows, rows, labels)
    guard !same.isEmpty, !different.isEmpty else { return nil }
    if let given = options.threshold {
      threshold = given
    } else {
      different.sort(by: >)
      // Just above the first pair of two classes that would be one too many.
      threshold = different[min(different.count - 1, different.count / 1000)].nextUp
    }
    exact = JudgedPairs.rates(same, different, threshold)
  }

  /// The errors of the vectors as an index holds and compares them.
  func errors(of index: any VectorIndex) throws(Failure) -> ErrorRates {
    let stored =
      if let exact = index as? ExactIndex { exact.rows } else { try index.storedVectors() }
    let compared = index.compared(queries.converted(to: .float32))
    let (same, different) = JudgedPairs.scores(
      index.metric, stored, compared, queryRows, rows, labels)
    return JudgedPairs.rates(same, different, threshold)
  }

  private static func rates(_ same: [Double], _ different: [Double], _ threshold: Double)
    -> ErrorRates
  {
    let accepted = different.count { $0 >= threshold }
    let rejected = same.count { $0 < threshold }
    return ErrorRates(
      falseAccepts: Double(accepted) / Double(different.count),
      falseRejects: Double(rejected) / Double(same.count))
  }

  /// Similarities, or negated distances, of pairs of one class and of two, summed in float64.
  private static func scores(
    _ metric: ExactIndex.Metric, _ stored: Tensor, _ queries: Tensor, _ queryRows: [Int],
    _ rows: [Int], _ labels: [Int]
  ) -> (same: [Double], different: [Double]) {
    let others = stored.detached.rows(at: rows)
    var (same, different): ([Double], [Double]) = ([], [])
    for (i, query) in queryRows.enumerated() {
      let scores = ExactIndex.scores(
        of: others, to: queries.detached.rows(at: [i]), metric: metric)
      for (row, score) in zip(rows, scores) where row != query {
        let similarity = metric == .l2 ? 0 - score.squareRoot() : score
        if labels[query] == labels[row] {
          same.append(similarity)
        } else {
          different.append(similarity)
        }
      }
    }
    return (same, different)
  }
}
