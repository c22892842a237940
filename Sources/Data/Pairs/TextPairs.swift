import Files
import Settings
import Texts

/// Texts that belong together, a line or row for each pair: an anchor, its positive, its negatives.
///
/// Different anchors are the queries, and all different positives and negatives the documents; an
/// anchor that is there several times has all their positives.
public struct TextPairs: PairSource {
  public var pairs = "pairs.jsonl"
  public var testPairs = ""
  public var anchor = "anchor"
  public var positive = "positive"
  public var negative = "negative"
  public var testFraction = 0.2
  public var seed = 0

  public init() {}

  public static let summary =
    "texts that belong together: an anchor, a positive and perhaps negatives a line"
  public static let settings = [
    Setting(
      "pairs", \Self.pairs,
      "a .jsonl file, or a .csv or .tsv table with a header, a path from where you stand"),
    Setting("testPairs", \Self.testPairs, "pairs to judge on; empty: some of the others"),
    Setting("anchor", \Self.anchor, "the field or column of the anchor, as of a question"),
    Setting(
      "positive", \Self.positive, "that of what belongs to it: a text, in .jsonl also a list"),
    Setting(
      "negative", \Self.negative,
      "that of what does not, if it is there; NAME_1, NAME_2 and so on too"),
    Setting(
      "testFraction", \Self.testFraction, "the share of anchors to judge on, if none are given",
      in: 0...1),
    Setting("seed", \Self.seed, "what these are drawn from"),
  ]

  public func loadPairs(root: String) throws(Failure) -> PairedData {
    let path = try resolved(pairs, below: root)
    var collected = CollectedTexts()
    for row in try checked(path) { collected.add(row) }
    let trainCount = collected.queries.texts.count
    guard trainCount > 0 else { throw Failure(.badData, at: path, "there are no pairs") }
    var test: [Int]
    if testPairs.isEmpty {
      test = try heldOut(of: trainCount, share: testFraction, seed: seed)
    } else {
      let other = try resolved(testPairs, below: root)
      var judged: Set<Int> = []
      for row in try checked(other) { judged.insert(collected.add(row)) }
      guard !judged.isEmpty else { throw Failure(.badData, at: other, "there are no pairs") }
      guard (0..<trainCount).contains(where: { !judged.contains($0) }) else {
        throw Failure(
          .badData, at: other, "every anchor of \(path) is judged on", expected: "other anchors")
      }
      test = judged.sorted()
    }
    return PairedData(
      name: path, queries: SideItems(name: path, texts: collected.queries.texts),
      documents: SideItems(name: path, texts: collected.documents.texts),
      positives: collected.positives, negatives: collected.negatives.map { MinedNegatives($0) },
      test: test)
  }

  /// One line of the file.
  fileprivate struct Row {
    var anchor: String
    var positives: [String]
    var negatives: [String]
  }

  /// The rows, none of which may lack a side.
  private func checked(_ path: String) throws(Failure) -> [Row] {
    let rows = try rows(path)
    for (number, row) in rows.enumerated() {
      for (key, texts) in [(anchor, [row.anchor]), (positive, row.positives)]
      where texts.isEmpty || texts.contains("") {
        throw Failure(
          .badData, at: "\(path): pair \(number + 1)", "its '\(key)' is empty", expected: "a text")
      }
    }
    return rows
  }

  private func rows(_ path: String) throws(Failure) -> [Row] {
    if path.hasSuffix(".csv") || path.hasSuffix(".tsv") { return try tableRows(path) }
    guard path.hasSuffix(".jsonl") else {
      throw Failure(
        .badData, at: path, "this is no file of pairs",
        expected: "a file that ends in .jsonl, .csv or .tsv")
    }
    var lines = try FileSystem.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    var found: [Row] = []
    for (number, line) in lines.enumerated() {
      let place = "\(path): line \(number + 1)"
      guard let text = String(validating: line, as: UTF8.self) else {
        throw Failure(.badData, at: place, "this is not UTF-8 text")
      }
      guard text.contains(where: { !$0.isWhitespace }) else { continue }
      let value = try JSONValue(json5: text, at: place)
      guard case .object(let members) = value, case .string(let anchor)? = members[self.anchor],
        let positive = members[self.positive]
      else {
        throw Failure(
          .badData, at: place, "there is no text '\(self.anchor)' or no '\(self.positive)'",
          expected: "{\"\(self.anchor)\": \"…\", \"\(self.positive)\": \"…\"}",
          remedy: "set data.anchor and data.positive to the names of the fields")
      }
      var negatives: [String] = []
      for key in negativeNames(among: Array(members.keys)) {
        negatives += try texts(members[key] ?? .null, key, at: place)
      }
      found.append(
        Row(
          anchor: anchor, positives: try texts(positive, self.positive, at: place),
          negatives: negatives))
    }
    return found
  }

  private func texts(
    _ value: JSONValue, _ key: String, at place: String
  ) throws(Failure) -> [String] {
    switch value {
    case .null: return []
    case .string(let text): return [text]
    case .array(let items):
      var found: [String] = []
      for item in items {
        guard case .string(let text) = item else {
          throw Failure(.badData, at: "\(place): \(key)", "\(item) is no text", expected: "texts")
        }
        found.append(text)
      }
      return found
    default:
      throw Failure(
        .badData, at: "\(place): \(key)", "this is \(value.kind)", expected: "a text, or texts")
    }
  }

  private func tableRows(_ path: String) throws(Failure) -> [Row] {
    let negativeColumns = negativeNames(among: try TextFile.columns(path))
    let anchors = try TextFile.read(path, column: anchor)
    let positives = try TextFile.read(path, column: positive)
    var negatives: [[String]] = []
    for name in negativeColumns { negatives.append(try TextFile.read(path, column: name)) }
    return anchors.indices.map { row in
      // An empty cell is no text where a row may have fewer negatives.
      Row(
        anchor: anchors[row], positives: [positives[row]],
        negatives: negatives.map { $0[row] }.filter { !$0.isEmpty })
    }
  }

  /// `negative`, `negative_1` and so on, of those that are there.
  private func negativeNames(among names: [String]) -> [String] {
    names.filter { name in
      name == negative
        || (name.hasPrefix(negative + "_") && Int(name.dropFirst(negative.count + 1)) != nil)
    }.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
  }
}

/// Different texts in the order in which they came, by their bytes.
private struct DifferentTexts {
  private(set) var texts: [String] = []
  private var places: [[UInt8]: Int] = [:]

  mutating func place(of text: String) -> Int {
    let key = Array(text.utf8)
    if let known = places[key] { return known }
    places[key] = texts.count
    texts.append(text)
    return texts.count - 1
  }
}

private struct CollectedTexts {
  var queries = DifferentTexts()
  var documents = DifferentTexts()
  /// For each query.
  private(set) var positives: [[Int]] = []
  private(set) var negatives: [[Int]] = []

  /// - Returns: the query.
  @discardableResult
  mutating func add(_ row: TextPairs.Row) -> Int {
    let query = queries.place(of: row.anchor)
    if query == positives.count {
      positives.append([])
      negatives.append([])
    }
    for text in row.positives { positives[query].append(documents.place(of: text)) }
    for text in row.negatives {
      let document = documents.place(of: text)
      if !negatives[query].contains(document) { negatives[query].append(document) }
    }
    return query
  }
}
