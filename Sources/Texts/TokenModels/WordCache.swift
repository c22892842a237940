import Settings

/// Words that were tokenised before; what most of a text consists of.
struct WordCache: Sendable {
  private var words = SequenceTable()
  private var spans: [Range<Int>] = []
  private(set) var tokens: [WordToken] = []
  /// Words longer than this come once; and the cache begins anew when it has this many scalars.
  private static let (longest, fullest) = (48, 4_000_000)

  /// Where the tokens of a word lie in `tokens`, made by `make` the first time.
  @inline(__always)
  mutating func range(
    of text: [UInt32], _ range: Range<Int>,
    _ make: (inout [WordToken]) throws(Failure) -> Void
  ) throws(Failure) -> Range<Int> {
    let hash = SequenceTable.hash(text, range)
    if range.count <= WordCache.longest, let word = words.find(text, range, hash: hash) {
      return spans[word]
    }
    return try added(text, range, hash, make)
  }

  @inline(never)
  private mutating func added(
    _ text: [UInt32], _ range: Range<Int>, _ hash: UInt64,
    _ make: (inout [WordToken]) throws(Failure) -> Void
  ) throws(Failure) -> Range<Int> {
    if words.keyScalars > WordCache.fullest || tokens.count > WordCache.fullest {
      self = WordCache()
    }
    let start = tokens.count
    try make(&tokens)
    if range.count <= WordCache.longest {
      words.insert(text, range, hash: hash, value: spans.count)
      spans.append(start..<tokens.count)
    }
    return start..<tokens.count
  }
}
