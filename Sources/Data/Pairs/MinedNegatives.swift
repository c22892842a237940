import Files
import Settings

/// Documents that are near to a query and do not answer it, as `kindred mine corpus` finds them.
public struct MinedNegatives: Sendable, Equatable {
  /// Documents, each once.
  public var rows: [Int] = []
  /// How near each is, by what mined them or by a teacher; nil where nothing is said.
  public var scores: [Double?] = []
  /// The same of documents that answer the query.
  public var positiveScores: [Int: Double] = [:]

  public init(_ rows: [Int] = []) {
    (self.rows, scores) = (rows, rows.map { _ in nil })
  }

  /// These without some documents, and how many are left out.
  func without(_ documents: [Int]) -> (MinedNegatives, Int) {
    let left = Set(documents)
    let kept = rows.indices.filter { !left.contains(rows[$0]) }
    guard kept.count < rows.count else { return (self, 0) }
    var result = self
    (result.rows, result.scores) = (kept.map { rows[$0] }, kept.map { scores[$0] })
    return (result, rows.count - kept.count)
  }

  /// Reads `negatives.jsonl` of `kindred mine corpus`, or lines such as
  /// `{"query": 0, "negatives": [12, 40]}`; rows are counted from 0.
  ///
  /// Several lines of a query add up; a query may have none.
  /// - Returns: what was mined for each of the queries.
  public static func read(
    _ path: String, queries: Int, documents: Int
  ) throws(Failure) -> [MinedNegatives] {
    var all = [MinedNegatives](repeating: MinedNegatives(), count: queries)
    var known = [Set<Int>](repeating: [], count: queries)
    var isEmpty = true
    let lines = try FileSystem.readText(path).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where line.contains(where: { !$0.isWhitespace }) {
      let place = "\(path): line \(number + 1)"
      let value = try JSONValue(json5: String(line), at: place)
      guard let named = value["query"], case .array(let negatives)? = value["negatives"] else {
        throw Failure(
          .badData, at: place, "'query' or 'negatives' is missing",
          expected: "{\"query\": 0, \"negatives\": [{\"row\": 12, \"score\": 0.8}]}")
      }
      let query = try row(named, of: queries, "queries", at: place)
      for negative in negatives {
        let document = try row(negative["row"] ?? negative, of: documents, "documents", at: place)
        guard known[query].insert(document).inserted else { continue }
        all[query].rows.append(document)
        all[query].scores.append(try score(of: negative, at: place))
        isEmpty = false
      }
      guard case .array(let positives)? = value["positives"] else { continue }
      for positive in positives {
        let document = try row(positive["row"] ?? positive, of: documents, "documents", at: place)
        if let score = try score(of: positive, at: place) {
          all[query].positiveScores[document] = score
        }
      }
    }
    guard !isEmpty else {
      throw Failure(
        .badData, at: path, "there are no negatives",
        remedy: "mine some with kindred mine corpus, or leave 'negatives' out")
    }
    return all
  }

  private static func row(
    _ value: JSONValue, of count: Int, _ words: String, at place: String
  ) throws(Failure) -> Int {
    guard let row = value.wholeValue, (0..<count).contains(row) else {
      throw Failure(
        .badData, at: place, "\(value) is no row of the \(words)",
        expected: "a row from 0 to \(count - 1)")
    }
    return row
  }

  private static func score(of value: JSONValue, at place: String) throws(Failure) -> Double? {
    guard let found = value["score"], found != .null else { return nil }
    guard let score = found.numberValue, score.isFinite else {
      throw Failure(
        .badData, at: place, "the score is \(found)", expected: "a finite number, or none")
    }
    return score
  }
}
