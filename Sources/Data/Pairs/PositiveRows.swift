import Files
import Settings

/// The rows of the corpus that answer each query.
public struct PositiveRows: Sendable {
  private var rows: [[Int]]

  public init(_ rows: [[Int]]) { self.rows = rows }

  /// Reads lines such as `{"query": 0, "positives": [12, 40]}`; rows are counted from 0, or named
  /// by a text of the id files. Several lines of a query add up; a query may have none.
  ///
  /// - Parameter idNames: what messages call the ids of queries and of the corpus.
  public init(
    _ path: String, queries: Int, corpus: Int, queryIDs: RowIdentities, corpusIDs: RowIdentities,
    idNames: (queries: String, corpus: String) = ("--query-ids", "--corpus-ids")
  ) throws(Failure) {
    rows = Array(repeating: [], count: queries)
    var queryNames: [String: [Int]]?
    var corpusNames: [String: [Int]]?
    let lines = try FileSystem.readText(path).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where line.contains(where: { !$0.isWhitespace }) {
      let place = "\(path): line \(number + 1)"
      let value = try JSONValue(json5: String(line), at: place)
      guard let query = value["query"], case .array(let positives)? = value["positives"] else {
        throw Failure(
          .badData, at: place, "'query' or 'positives' is missing",
          expected: "{\"query\": 0, \"positives\": [12, 40]}")
      }
      let of = try found(
        query, count: queries, ("queries", idNames.queries), &queryNames, queryIDs, at: place)
      for positive in positives {
        let found = try found(
          positive, count: corpus, ("corpus", idNames.corpus), &corpusNames, corpusIDs, at: place)
        for query in of { rows[query] += found }
      }
    }
    for query in rows.indices { rows[query] = Set(rows[query]).sorted() }
  }

  package subscript(query: Int) -> [Int] { rows[query] }
  package var count: Int { rows.count }

  /// The number of a row, or the rows of a text.
  private func found(
    _ value: JSONValue, count: Int, _ words: (rows: String, ids: String),
    _ names: inout [String: [Int]]?,
    _ ids: RowIdentities, at place: String
  ) throws(Failure) -> [Int] {
    switch value {
    case .number(let number):
      if let row = Int(exactly: number), (0..<count).contains(row) { return [row] }
    case .string(let text):
      let known = names ?? ids.rowsByText()
      names = known
      if let rows = known[text] { return rows }
    default: break
    }
    throw Failure(
      .badData, at: place, "\(value) is no row of the \(words.rows)",
      expected: "a row from 0 to \(count - 1), or a text of \(words.ids)")
  }
}
