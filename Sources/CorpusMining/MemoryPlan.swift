import Settings

/// How much of what is in memory at once.
struct MemoryPlan: Equatable {
  let partQueries, chunkRows: Int

  /// What the program and one block of products take anyway.
  private static let base = 64 << 20
  /// Beyond this, larger parts gain nothing when the corpus is in memory.
  private static let usefulQueries = 4096

  /// - Parameters:
  ///   - pool: candidates of a query.
  ///   - numberSize: the bytes of a number of a row.
  init(
    budget: Int, queries: Int, rows: Int, columns: Int, pool: Int, numberSize: Int = 4
  ) throws(Failure) {
    // A query is held as it is, in float64 and for products; a candidate by the search, in order, as a
    // choice and as text.
    let query = 20 * columns + 256 * pool
    // The numbers, and what is known of each row. While a chunk is read, the one before may still be
    // there.
    let row = numberSize * columns + 24
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
