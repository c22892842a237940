import Settings

/// Finds pieces of a text.
protocol Pattern: Sendable {
  /// The first match that begins at `start` or later and lies within the range; it may be empty.
  ///
  /// The text outside the range does not exist for the pattern.
  func firstMatch(in text: [UInt32], _ range: Range<Int>, from start: Int) throws(Failure)
    -> Range<Int>?
}

/// A text that is looked for as it is.
struct LiteralPattern: Pattern {
  private let literal: [UInt32]

  init(_ literal: [UInt32]) { self.literal = literal }

  func firstMatch(in text: [UInt32], _ range: Range<Int>, from start: Int) -> Range<Int>? {
    guard let first = literal.first else { return start..<start }
    guard range.upperBound - start >= literal.count else { return nil }
    search: for i in start...range.upperBound - literal.count where text[i] == first {
      for j in 1..<literal.count where text[i + j] != literal[j] { continue search }
      return i..<i + literal.count
    }
    return nil
  }
}

extension Pattern {
  /// Calls `body` with the matches and what lies between them, in order, covering the range.
  ///
  /// Empty matches are left out.
  func cut(
    _ text: [UInt32], _ range: Range<Int>, _ body: (Range<Int>, _ isMatch: Bool) -> Void
  ) throws(Failure) {
    var (last, start) = (range.lowerBound, range.lowerBound)
    while start < range.upperBound, let match = try firstMatch(in: text, range, from: start) {
      guard !match.isEmpty else {
        start = match.upperBound + 1
        continue
      }
      if last < match.lowerBound { body(last..<match.lowerBound, false) }
      body(match, true)
      (last, start) = (match.upperBound, match.upperBound)
    }
    if last < range.upperBound { body(last..<range.upperBound, false) }
  }
}
