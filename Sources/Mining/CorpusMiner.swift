import Autodiff
import Files
import Settings

/// Finds negatives of queries among all rows of a corpus.
///
/// Every row is compared with every query, in parts that fit a budget of memory; what is found does
/// not depend on the parts. A query whose nearest candidates do not give enough negatives is
/// searched again for more of them, up to ``largestPool``.
/// - Complexity: O(queries × rows × columns) time.
/// - Reference: Moreira et al., *NV-Retriever* (2024).
public struct CorpusMiner: Sendable {
  public let rule: CandidateRule
  /// How many candidates of a query are looked at, at most.
  public static let largestPool = 10_000

  let queries, corpus: VectorRows
  let positives: PositiveRows
  let queryIDs: RowIdentities?
  let corpusIDs: RowIdentities
  let teacher: Teacher?
  let plan: MemoryPlan
  private let random: Random
  private var search: CorpusSearch

  /// Vectors of the same rows by another model, which judges what the corpus' own vectors find.
  public struct Teacher: Sendable {
    let queries, corpus: VectorRows

    public init(
      queries: NumPyRows, corpus: NumPyRows, similarity: Similarity
    ) throws(Failure) {
      try checkColumns(queries, corpus)
      self.queries = VectorRows(file: queries, similarity: similarity)
      self.corpus = VectorRows(file: corpus, similarity: similarity)
    }
  }

  /// - Parameters:
  ///   - budget: how many bytes of memory to use, for vectors and candidates.
  public init(
    queries: NumPyRows, corpus: NumPyRows, positives: PositiveRows, rule: CandidateRule,
    similarity: Similarity = .cosine, queryIDs: RowIdentities? = nil,
    corpusIDs: RowIdentities = RowIdentities(), teacher: Teacher? = nil,
    budget: Int = 2 << 30, seed: Int = 0
  ) throws(Failure) {
    try checkColumns(queries, corpus)
    if let teacher {
      for (mine, other) in [(queries, teacher.queries.file), (corpus, teacher.corpus.file)]
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
      budget: budget, queries: queries.rows, rows: corpus.rows, columns: corpus.columns,
      pool: min(rule.poolSize, corpus.rows))
    search = CorpusSearch(self.corpus, chunkRows: plan.chunkRows)
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
    let vectors = try queries.read(part)
    var known: [[Candidate]] = []
    for query in part {
      known.append(
        try scores(of: positives[query], query, vectors, part.lowerBound))
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
        let found = try search.nearest(
          isFirst && some.count == part.count ? vectors : vectors.rows(at: some), count: pool
        ) { products in if isFirst { onProgress(products / max(1, rows)) } }
        for (place, candidates) in zip(some, found) {
          let query = part.lowerBound + place
          choices[place] = rule.choose(
            from: try rescored(candidates, query), positives: known[place],
            query: queryIDs?[query], ids: corpusIDs, isWhole: pool >= largest,
            random: random.split(UInt64(query)))
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

  /// The similarities of a query and some rows, by the vectors that judge.
  private func scores(
    of rows: [Int], _ query: Int, _ vectors: Tensor, _ first: Int
  ) throws(Failure) -> [Candidate] {
    let own = try similarities(vectors, query - first, rows, corpus)
    let candidates = zip(rows, own).map { Candidate(row: $0, score: $1) }
    return try rescored(candidates, query)
  }

  /// Candidates with the teacher's scores, in their order; the same ones without a teacher.
  private func rescored(_ candidates: [Candidate], _ query: Int) throws(Failure) -> [Candidate] {
    guard let teacher else { return candidates }
    let scores = try similarities(
      try teacher.queries.read(query..<query + 1), 0, candidates.map(\.row), teacher.corpus)
    return zip(candidates, scores).map {
      Candidate(row: $0.row, score: $1, retrieverScore: $0.score)
    }.sorted(by: Candidate.precedes)
  }

  private func similarities(
    _ vectors: Tensor, _ place: Int, _ rows: [Int], _ file: VectorRows
  ) throws(Failure) -> [Float] {
    let others = try file.read(at: rows)
    return vectors.withElements(of: Float.self) { vectors in
      others.withElements(of: Float.self) { others in
        rows.indices.map {
          innerProduct(vectors, place, others, $0, columns: file.file.columns)
        }
      }
    }
  }
}

private func checkColumns(_ queries: NumPyRows, _ corpus: NumPyRows) throws(Failure) {
  guard queries.columns == corpus.columns else {
    throw Failure(
      .badData, at: queries.path, "the queries have \(queries.columns) columns",
      expected: "\(corpus.columns), as \(corpus.path) has",
      remedy: "embed both with the same model")
  }
}

/// How much of what is in memory at once.
struct MemoryPlan: Equatable {
  let partQueries, chunkRows: Int

  /// What the program and one block of products take anyway.
  private static let base = 64 << 20
  /// Beyond this, larger parts gain nothing when the corpus is in memory.
  private static let usefulQueries = 4096

  /// - Parameter pool: candidates of a query.
  init(budget: Int, queries: Int, rows: Int, columns: Int, pool: Int) throws(Failure) {
    // A candidate is held by the search, in order, as a choice and as text.
    let query = 12 * columns + 256 * pool
    // While a chunk is read, the one before may still be there.
    let row = 4 * columns
    let room = budget - MemoryPlan.base
    let least = 64 * query + min(rows, 1024) * row
    guard room >= least else {
      throw Failure(
        .badUsage, at: "--budget", "\(budget >> 20) MiB",
        expected: "at least \((least + MemoryPlan.base) >> 20 + 1) MiB for these vectors")
    }
    let whole = rows * row
    if room - whole >= min(512, queries) * query {
      chunkRows = max(1, rows)
      partQueries = max(1, min(queries, MemoryPlan.usefulQueries, (room - whole) / query))
    } else {
      partQueries = max(1, min(queries, room / 2 / query))
      chunkRows = max(1, min(rows, (room - partQueries * query) / (2 * row)))
    }
  }
}
