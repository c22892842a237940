import Autodiff
import Index
import Settings

/// The near rows of a corpus as an index finds them, which need not be all of the nearest.
///
/// What is found is compared again with the corpus' own vectors, so that scores and their order are
/// exact.
struct IndexSearch: CandidateSearch {
  private let index: any VectorIndex
  private let corpus: VectorRows
  private let effort: Int
  private let name: String

  private static let blockQueries = 256
  /// Rows of the corpus that the index is asked for, to see whether it was made of them.
  private static let sampleSize = 16

  /// - Parameter effort: how many near vectors the graph follows, at least.
  init(
    _ index: any VectorIndex, of corpus: VectorRows, effort: Int, name: String
  ) throws(Failure) {
    (self.index, self.corpus, self.effort, self.name) = (index, corpus, effort, name)
    let file = corpus.file
    guard index.count == file.rows, index.dimension == file.columns else {
      throw Failure(
        .badData, at: name, "\(index.count) vectors of \(index.dimension) numbers",
        expected: "\(file.rows) of \(file.columns), as in \(file.path)",
        remedy: "make the index of this corpus")
    }
    let count = min(IndexSearch.sampleSize, file.rows)
    let rows = (0..<count).map { $0 * file.rows / count }
    let vectors = try corpus.numbers(at: rows)
    let found = try candidates(of: vectors, count: 1)
    // An index may miss some; and the nearest of a row of zeros is any other.
    let known = zip(rows, found).count { row, candidates in
      candidates.contains { $0.row == row || $0.score >= 0.999 } || candidates.isEmpty
        || candidates[0].score == 0
    }
    guard 2 * known >= count else {
      throw Failure(
        .badData, at: name,
        "the index finds \(known) of \(count) rows of \(file.path) that it was asked for",
        expected: "an index of the same vectors by \(corpus.similarity.rawValue)",
        remedy: "make it of these vectors, with kindred export --format hnsw; for cosine, of rows "
          + "scaled to length 1")
    }
  }

  mutating func nearest(
    _ queries: Tensor, count: Int, onProgress: (_ queries: Int) -> Void
  ) throws(Failure) -> [[Candidate]] {
    var found: [[Candidate]] = []
    for first in stride(from: 0, to: queries.shape[0], by: IndexSearch.blockQueries) {
      let block = first..<min(queries.shape[0], first + IndexSearch.blockQueries)
      found += try candidates(of: queries.rows(at: Array(block)), count: count)
      onProgress(block.upperBound)
    }
    return found
  }

  private func candidates(of queries: Tensor, count: Int) throws(Failure) -> [[Candidate]] {
    let neighbors = try index.search(
      corpus.seen(queries), count: count, effort: SearchEffort(ef: max(effort, 2 * count)),
      name: name)
    var found: [[Candidate]] = []
    for query in 0..<queries.shape[0] {
      let rows = neighbors[query].map(\.id).filter { (0..<corpus.file.rows).contains($0) }
      let scores = try corpus.similarities(to: queries, query, of: rows)
      found.append(
        zip(rows, scores).map { Candidate(row: $0, score: $1) }.sorted(by: Candidate.precedes))
    }
    return found
  }
}
