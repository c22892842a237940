import Autodiff
import Data
import Files
import Index
import Settings

/// Finds negatives of queries among all rows of a corpus.
///
/// Every row is compared with every query, in parts that fit a budget of memory; what is found does
/// not depend on the parts. With an index only what it finds is looked at; with a teacher's scores,
/// only the rows that have one. A query whose nearest candidates do not give enough negatives is
/// searched again for more of them, up to ``largestPool``.
/// - Complexity: O(queries × rows × columns) time without an index.
/// - Reference: Moreira et al., *NV-Retriever* (2024).
public struct CorpusMiner: Sendable {
  public let rule: CandidateRule
  /// How many candidates of a query are looked at, at most.
  public static let largestPool = 10_000
  /// Which candidates are likely to be unlabelled positives, and so drawn less often.
  public var adapter: (FalseNegativeAdapter, power: Double)?

  let queries, corpus: VectorRows
  let positives: PositiveRows
  let queryIDs: RowIdentities?
  let corpusIDs: RowIdentities
  let teacher: Teacher?
  let plan: MemoryPlan
  private let random: Random
  private var search: any CandidateSearch

  /// What judges candidates in the place of the corpus' own vectors.
  public enum Teacher: Sendable {
    /// Vectors of the same rows by another model.
    case vectors(queries: NumPyRows, corpus: NumPyRows)
    /// Scores of some rows, which are then the only candidates.
    case scores(TeacherScores)
  }

  /// - Parameters:
  ///   - index: finds candidates without comparing all; its name is for messages.
  ///   - budget: how many bytes of memory to use, for vectors and candidates.
  public init(
    queries: NumPyRows, corpus: NumPyRows, positives: PositiveRows, rule: CandidateRule,
    similarity: Similarity = .cosine, queryIDs: RowIdentities? = nil,
    corpusIDs: RowIdentities = RowIdentities(), teacher: Teacher? = nil,
    index: (any VectorIndex, effort: Int, name: String)? = nil,
    budget: Int = 2 << 30, seed: Int = 0
  ) throws(Failure) {
    try checkColumns(queries, corpus)
    if case .vectors(let otherQueries, let otherCorpus)? = teacher {
      try checkColumns(otherQueries, otherCorpus)
      for (mine, other) in [(queries, otherQueries), (corpus, otherCorpus)]
      where mine.rows != other.rows {
        throw Failure(
          .badData, at: other.path, "there are \(other.rows) rows",
          expected: "\(mine.rows), as in \(mine.path)")
      }
    }
    precondition(positives.count == queries.rows, "CorpusMiner: positives of other queries")
    try rule.validate(at: "policy")
    self.queries = VectorRows(file: queries, similarity: similarity)
    self.corpus = VectorRows(file: corpus, similarity: similarity)
    (self.positives, self.rule, self.teacher) = (positives, rule, teacher)
    (self.queryIDs, self.corpusIDs) = (queryIDs, corpusIDs)
    random = Random(seed: UInt64(seed)).split("corpus mining")
    plan = try MemoryPlan(
      budget: budget, queries: queries.rows, rows: index == nil ? corpus.rows : 0,
      columns: corpus.columns, pool: min(rule.poolSize, corpus.rows),
      numberSize: corpus.isDouble ? 8 : 4)
    if let (index, effort, name) = index {
      search = try IndexSearch(index, of: self.corpus, effort: effort, name: name)
    } else {
      search = CorpusSearch(self.corpus, chunkRows: plan.chunkRows)
    }
  }

  /// Queries that are mined together.
  public var partSize: Int { plan.partQueries }
  public var queryCount: Int { queries.file.rows }

  /// Mines consecutive queries.
  ///
  /// - Parameter onProgress: told how many of the queries are done, as far as can be told.
  public mutating func mine(
    _ part: Range<Int>, onProgress: (_ queries: Int) -> Void = { _ in }
  ) throws(Failure) -> [MinedQuery] {
    let vectors = try queries.numbers(part)
    var known: [[Candidate]] = []
    // How similar the positives of each query are, by which their copies are found.
    var similarities: [Set<Double>] = []
    for query in part {
      let place = query - part.lowerBound
      let own = try corpus.similarities(to: vectors, place, of: positives[query])
      similarities.append(Set(own))
      known.append(
        try judged(zip(positives[query], own).map { Candidate(row: $0, score: $1) }, query))
    }
    var choices = [Choice?](repeating: nil, count: part.count)
    var pending = Array(0..<part.count)
    let rows = corpus.file.rows
    var pool = min(rule.poolSize, rows)
    let largest = min(rows, max(pool, CorpusMiner.largestPool))
    var isFirst = true
    while !pending.isEmpty {
      let size = max(1, part.count * min(rule.poolSize, rows) / max(1, pool))
      for start in stride(from: 0, to: pending.count, by: size) {
        let some = Array(pending[start..<min(pending.count, start + size)])
        let queries =
          isFirst && some.count == part.count ? vectors : vectors.rows(at: some)
        var found: [[Candidate]]
        if case .scores(let scores)? = teacher {
          found = try candidates(scores, queries, some.map { $0 + part.lowerBound })
        } else {
          found = try search.nearest(queries, count: pool) { if isFirst { onProgress($0) } }
          for i in found.indices { found[i] = try judged(found[i], part.lowerBound + some[i]) }
        }
        for (i, place) in some.enumerated() {
          let query = part.lowerBound + place
          let weights = try weights(of: found[i], queries, i)
          let equal = found[i].filter {
            similarities[place].contains($0.retrieverScore ?? $0.score)
          }
          choices[place] = rule.choose(
            from: found[i], positives: known[place],
            copies: try corpus.copies(of: positives[query], among: equal.map(\.row)),
            query: queryIDs?[query], ids: corpusIDs,
            isWhole: pool >= largest || teacher?.isWhole == true,
            random: random.split(UInt64(query)), weight: weights.map { all in { all[$0.row] ?? 1 } }
          )
        }
      }
      pending = pending.filter { choices[$0] == nil }
      pool = min(largest, 4 * pool)
      isFirst = false
    }
    return zip(part, zip(known, choices)).map {
      MinedQuery(query: $0, positives: $1.0, choice: $1.1 ?? Choice())
    }
  }

  /// The nearest rows of some queries, positives or not.
  mutating func nearest(_ numbers: [Int], count: Int) throws(Failure) -> [[Candidate]] {
    try search.nearest(
      try queries.numbers(at: numbers), count: min(count, corpus.file.rows)
    ) { _ in }
  }

  /// All rows that the teacher has scored, beside the queries of the given numbers.
  private func candidates(
    _ scores: TeacherScores, _ queries: Tensor, _ numbers: [Int]
  ) throws(Failure) -> [[Candidate]] {
    var found: [[Candidate]] = []
    for (place, query) in numbers.enumerated() {
      let scored = scores.candidates(of: query)
      let own = try corpus.similarities(to: queries, place, of: scored.map(\.row))
      found.append(
        zip(scored, own).map { Candidate(row: $0.row, score: $0.score, retrieverScore: $1) }
          .sorted(by: Candidate.precedes))
    }
    return found
  }

  /// Candidates with the teacher's scores, in their order, without those that it did not score; the
  /// same ones without a teacher.
  private func judged(_ candidates: [Candidate], _ query: Int) throws(Failure) -> [Candidate] {
    let found: [Candidate]
    switch teacher {
    case nil: return candidates
    case .scores(let scores):
      let known = Dictionary(
        uniqueKeysWithValues: scores.candidates(of: query).map { ($0.row, $0.score) })
      found = candidates.compactMap { one in
        known[one.row].map { Candidate(row: one.row, score: $0, retrieverScore: one.score) }
      }
    case .vectors(let queries, let corpus):
      let (queries, corpus) = (
        VectorRows(file: queries, similarity: self.queries.similarity),
        VectorRows(file: corpus, similarity: self.corpus.similarity)
      )
      let scores = try corpus.similarities(
        to: try queries.numbers(query..<query + 1), 0, of: candidates.map(\.row))
      found = zip(candidates, scores).map {
        Candidate(row: $0.row, score: $1, retrieverScore: $0.score)
      }
    }
    return found.sorted(by: Candidate.precedes)
  }

  /// How likely each row is drawn by what the adapter thinks of it; nil without one.
  private func weights(
    of candidates: [Candidate], _ queries: Tensor, _ place: Int
  ) throws(Failure) -> [Int: Double]? {
    guard let (adapter, power) = adapter, !candidates.isEmpty else { return nil }
    let rows = candidates.map(\.row)
    let query = self.queries.seen(queries.rows(at: [place]))
    let weights = adapter.drawWeights(
      queries: query.rows(at: [Int](repeating: 0, count: rows.count)),
      candidates: try corpus.read(at: rows), power: power)
    return Dictionary(zip(rows, weights), uniquingKeysWith: { first, _ in first })
  }
}

extension CorpusMiner.Teacher {
  /// Whether its candidates are all that there are.
  fileprivate var isWhole: Bool { if case .scores = self { true } else { false } }
}

private func checkColumns(_ queries: NumPyRows, _ corpus: NumPyRows) throws(Failure) {
  guard queries.columns == corpus.columns else {
    throw Failure(
      .badData, at: queries.path, "the queries have \(queries.columns) columns",
      expected: "\(corpus.columns), as \(corpus.path) has",
      remedy: "embed both with the same model")
  }
}
