import Settings

/// Queries, documents, and which documents answer which query.
public struct PairedData: Sendable {
  /// What messages and reports call them.
  public let name: String
  public let queries, documents: SideItems
  /// The documents that answer each query, ascending; queries without one neither teach nor judge.
  public let positives: [[Int]]
  /// What was mined for each query; none of it answers the query.
  public let negatives: [MinedNegatives]
  /// Queries to train on, and to judge on; ascending, each with an answer.
  public let train, test: [Int]
  /// What a user should know of how the data were read, each in a line.
  public var notes: [String]

  /// - Parameters:
  ///   - positives: for each query; out of any order.
  ///   - negatives: for each query, or none at all; what answers the query is dropped.
  ///   - test: queries to judge on; those of the others that have an answer are trained on.
  public init(
    name: String, queries: SideItems, documents: SideItems, positives: [[Int]],
    negatives: [MinedNegatives] = [], test: [Int], notes: [String] = []
  ) {
    precondition(
      positives.count == queries.count && (negatives.isEmpty || negatives.count == queries.count),
      "PairedData: positives of \(positives.count) and negatives of \(negatives.count) queries for "
        + "\(queries.count)")
    (self.name, self.queries, self.documents, self.notes) = (name, queries, documents, notes)
    let positives = positives.map { Set($0).sorted() }
    self.positives = positives
    var dropped = 0
    self.negatives = (0..<queries.count).map { query in
      guard !negatives.isEmpty else { return MinedNegatives() }
      let (kept, count) = negatives[query].without(positives[query])
      dropped += count
      return kept
    }
    if dropped > 0 {
      self.notes.append(
        "\(dropped) negatives answer their query and are left out")
    }
    let judged = Set(test)
    self.test = judged.filter { !positives[$0].isEmpty }.sorted()
    train = (0..<queries.count).filter { !judged.contains($0) && !positives[$0].isEmpty }
  }

  /// Name, sizes and a hash (FNV-1a) in a line, to tell whether data are the same.
  ///
  /// - Complexity: one pass over all numbers.
  public var identity: String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    func add(_ word: UInt64) { hash = (hash ^ word) &* 0x100_0000_01B3 }
    for side in [queries, documents] { side.addWords(to: add) }
    for list in positives + [train, test] {
      add(UInt64(list.count))
      for row in list { add(UInt64(row)) }
    }
    for mined in negatives {
      add(UInt64(mined.rows.count))
      for row in mined.rows { add(UInt64(row)) }
      for score in mined.scores { add(score?.bitPattern ?? 0) }
      for (row, score) in mined.positiveScores.sorted(by: { $0.key < $1.key }) {
        add(UInt64(row))
        add(score.bitPattern)
      }
    }
    return "\(name): \(queries.count) queries and \(documents.count) documents, "
      + String(hash, radix: 16)
  }
}
