import Autodiff
import Index
import Settings

/// Finds the rows of a corpus that are near to queries.
protocol CandidateSearch: Sendable {
  /// The candidates of each query in order: the most similar first, then the smaller row.
  ///
  /// - Parameters:
  ///   - queries: [queries, columns], as similarity sees them.
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
  /// A few more than are asked for, since the rounding of products may swap near-equal ones.
  private static let spare = 8

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
      let index = try self.index(of: range)
      if range.count == rows { whole = index }
      for first in stride(from: 0, to: queryCount, by: CorpusSearch.blockQueries) {
        let block = first..<min(queryCount, first + CorpusSearch.blockQueries)
        let part = queries.rows(at: Array(block))
        let neighbors = try index.search(part, count: count + CorpusSearch.spare)
        merge(neighbors, of: part, index.vectors, block, from: start, into: &found, keeping: count)
        done += block.count * range.count
        onProgress(done / max(1, rows))
      }
    }
    return found
  }

  private func index(of range: Range<Int>) throws(Failure) -> ExactIndex {
    if let whole { return whole }
    let vectors = try corpus.read(range)
    return try ExactIndex(vectors, metric: .innerProduct, name: corpus.file.path)
  }

  /// Adds what a chunk has, by scores that do not depend on how the corpus is cut.
  private func merge(
    _ neighbors: Neighbors, of queries: Tensor, _ vectors: Tensor, _ block: Range<Int>,
    from start: Int, into found: inout [[Candidate]], keeping count: Int
  ) {
    let columns = corpus.file.columns
    queries.withElements(of: Float.self) { queries in
      vectors.withElements(of: Float.self) { vectors in
        found.withUnsafeMutableBufferPointer { found in
          Parallel.forEachRange(block.count, grain: 16) { range in
            for query in range {
              var candidates = found[block.lowerBound + query]
              let first = query * neighbors.countPerQuery
              for row in neighbors.ids[first..<first + neighbors.countPerQuery] {
                let score = innerProduct(queries, query, vectors, row, columns: columns)
                candidates.append(Candidate(row: start + row, score: score))
              }
              candidates.sort(by: Candidate.precedes)
              found[block.lowerBound + query] = Array(candidates.prefix(count))
            }
          }
        }
      }
    }
  }
}
