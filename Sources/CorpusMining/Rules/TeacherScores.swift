import Files
import Settings

/// What a teacher, a cross-encoder say, thinks of some rows of the corpus beside each query.
///
/// A query's scores are side by side in two flat lists: 12 bytes a score.
public struct TeacherScores: Sendable {
  private var starts: [Int] = [0]
  private var rows: [Int32] = []
  private var scores: [Double] = []

  /// Reads lines such as `{"query": 0, "scores": [[12, 0.93], [40, 0.1]]}`: pairs of a row of the
  /// corpus and its score. A query has one line or none.
  public init(_ path: String, queries: Int, corpus: Int) throws(Failure) {
    var lines = [Range<Int>?](repeating: nil, count: queries)
    var found: (rows: [Int32], scores: [Double]) = ([], [])
    let text = try FileSystem.readText(path)
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    where line.contains(where: { !$0.isWhitespace }) {
      let place = "\(path): line \(number + 1)"
      let value = try JSONValue(json5: String(line), at: place)
      guard case .number(let query)? = value["query"], let query = Int(exactly: query),
        lines.indices.contains(query), case .array(let pairs)? = value["scores"]
      else {
        throw Failure(
          .badData, at: place, "no query from 0 to \(queries - 1) with scores",
          expected: "{\"query\": 0, \"scores\": [[12, 0.93], [40, 0.1]]}")
      }
      guard lines[query] == nil else {
        throw Failure(
          .badData, at: place, "query \(query) was there before", expected: "a line for each query")
      }
      let first = found.rows.count
      var seen: Set<Int> = []
      for pair in pairs {
        guard case .array(let pair) = pair, pair.count == 2, case .number(let row) = pair[0],
          case .number(let score) = pair[1], let row = Int(exactly: row),
          (0..<corpus).contains(row), Float(score).isFinite, seen.insert(row).inserted
        else {
          throw Failure(
            .badData, at: place, "\(pair) is no score",
            expected: "[row, score] with each row from 0 to \(corpus - 1) once")
        }
        found.rows.append(Int32(row))
        found.scores.append(score)
      }
      lines[query] = first..<found.rows.count
    }
    for line in lines {
      if let line {
        rows += found.rows[line]
        scores += found.scores[line]
      }
      starts.append(rows.count)
    }
  }

  /// The scored rows of a query.
  func candidates(of query: Int) -> [(row: Int, score: Double)] {
    (starts[query]..<starts[query + 1]).map { (Int(rows[$0]), scores[$0]) }
  }
}
