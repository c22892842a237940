/// Texts as ids, the tokens of one after those of another, without padding.
public struct TokenBatch: Sendable {
  public let ids: [Int]
  /// How many tokens each text has.
  public let lengths: [Int]

  public init(_ texts: [[Int]]) {
    ids = texts.flatMap(\.self)
    lengths = texts.map(\.count)
  }

  /// The place of each token in its text, from 0.
  public var positions: [Int] { lengths.flatMap { 0..<$0 } }

  /// The range of each text's tokens.
  public var ranges: [Range<Int>] {
    var start = 0
    return lengths.map { length in
      defer { start += length }
      return start..<start + length
    }
  }
}
