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
    queries = index.vectors.detached.rows(at: queryRows)
    var (same, different) = JudgedPairs.scores(
      index, index.vectors, queries, queryRows, rows, labels)
    guard !same.isEmpty, !different.isEmpty else { return nil }
    if let given = options.threshold {
      threshold = given
    } else {
      different.sort(by: >)
      // Just above the first pair of two classes that would be one too many.
      threshold = Double(different[min(different.count - 1, different.count / 1000)].nextUp)
    }
    exact = JudgedPairs.rates(same, different, threshold)
  }

  /// The errors of the vectors as an index holds and compares them.
  func errors(of index: any VectorIndex) throws(Failure) -> ErrorRates {
    let stored = try index.storedVectors()
    let (same, different) = JudgedPairs.scores(
      index, stored, index.compared(queries), queryRows, rows, labels)
    return JudgedPairs.rates(same, different, threshold)
  }

  private static func rates(_ same: [Float], _ different: [Float], _ threshold: Double)
    -> ErrorRates
  {
    let accepted = different.reduce(0) { $0 + (Double($1) >= threshold ? 1 : 0) }
    let rejected = same.reduce(0) { $0 + (Double($1) < threshold ? 1 : 0) }
    return ErrorRates(
      falseAccepts: Double(accepted) / Double(different.count),
      falseRejects: Double(rejected) / Double(same.count))
  }

  /// Similarities, or negated distances, of pairs of one class and of two.
  private static func scores(
    _ index: any VectorIndex, _ stored: Tensor, _ queries: Tensor, _ queryRows: [Int],
    _ rows: [Int], _ labels: [Int]
  ) -> (same: [Float], different: [Float]) {
    let others = stored.detached.rows(at: rows)
    let products = queries.timesTransposed(others).elements(as: Float.self)
    let (a, b) = (squaredLengths(queries), squaredLengths(others))
    var (same, different): ([Float], [Float]) = ([], [])
    for (i, query) in queryRows.enumerated() {
      for (j, row) in rows.enumerated() where row != query {
        let product = products[i * rows.count + j]
        let score =
          index.metric == .l2
          ? 0 - max(0, a[i] + b[j] - 2 * product).squareRoot() : product
        if labels[query] == labels[row] { same.append(score) } else { different.append(score) }
      }
    }
    return (same, different)
  }

  private static func squaredLengths(_ x: Tensor) -> [Float] {
    (x * x).sumOverColumns().elements(as: Float.self)
  }
}
