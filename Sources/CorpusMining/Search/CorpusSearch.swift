import Autodiff
import Index
import Settings

/// Finds the rows of a corpus that are near to queries.
protocol CandidateSearch: Sendable {
  /// The candidates of each query in order: the most similar first, then the smaller row.
  ///
  /// - Parameters:
  ///   - queries: [queries, columns], as they are in their file.
  ///   - onProgress: told how many queries are done, as far as can be told.
  mutating func nearest(
    _ queries: Tensor, count: Int, onProgress: (_ queries: Int) -> Void
  ) throws(Failure) -> [[Candidate]]
}

/// The nearest rows of a corpus that may be larger than memory, found by comparing every one.
///
/// - Complexity: O(queries × rows × columns) time; memory for a chunk and the candidates.
struct CorpusSearch: CandidateSearch {
  let corpus: VectorRows
  /// How many rows of the corpus are in memory at once.
  let chunkRows: Int
  /// The corpus, once it was read, if it is in memory whole.
  private var whole: ExactIndex?

  /// Queries whose products are made before progress is told.
  private static let blockQueries = 1024

  init(_ corpus: VectorRows, chunkRows: Int) {
    (self.corpus, self.chunkRows) = (corpus, max(1, chunkRows))
  }

  mutating func nearest(
    _ queries: Tensor, count: Int, onProgress: (_ queries: Int) -> Void
  ) throws(Failure) -> [[Candidate]] {
    let (rows, queryCount) = (corpus.file.rows, queries.shape[0])
    var found = [[Candidate]](repeating: [], count: queryCount)
    var done = 0
    for start in stride(from: 0, to: rows, by: chunkRows) {
      let range = start..<min(rows, start + chunkRows)
      let index = if let whole { whole } else { try corpus.index(range) }
      if range.count == rows { whole = index }
      for first in stride(from: 0, to: queryCount, by: CorpusSearch.blockQueries) {
        let block = first..<min(queryCount, first + CorpusSearch.blockQueries)
        let neighbors = try index.search(queries.rows(at: Array(block)), count: count)
        for query in block {
          let more = neighbors[query - first].map { Candidate(row: start + $0.id, score: $0.score) }
          if start > 0 {
            found[query] = Array((found[query] + more).sorted(by: Candidate.precedes).prefix(count))
          } else {
            found[query] = more
          }
        }
        done += block.count * range.count
        onProgress(done / max(1, rows))
      }
    }
    return found
  }
}
