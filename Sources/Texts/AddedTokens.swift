import Settings

/// A token that is found in the text before anything else is done to it.
package struct AddedToken: Sendable {
  package let id: Int
  package let content: [UInt32]
  let singleWord, leftStrip, rightStrip, normalized: Bool
  package let isSpecial: Bool

  init(
    id: Int, content: [UInt32], leftStrip: Bool = false, normalized: Bool = false,
    isSpecial: Bool = true
  ) {
    (self.id, self.content, self.leftStrip) = (id, content, leftStrip)
    (self.normalized, self.isSpecial) = (normalized, isSpecial)
    (singleWord, rightStrip) = (false, false)
  }

  init(_ reader: ComponentReader, in vocabulary: Vocabulary) throws(Failure) {
    content = try reader.scalars("content")
    // Where the model knows the token, its id is the model's.
    if let known = vocabulary.id(of: content) { id = known } else { id = try reader.id("id") }
    singleWord = try reader.flag("single_word", default: false)
    leftStrip = try reader.flag("lstrip", default: false)
    rightStrip = try reader.flag("rstrip", default: false)
    isSpecial = try reader.flag("special", default: false)
    normalized = try reader.flag("normalized", default: !isSpecial)
  }
}

/// Added tokens that are looked for together: leftmost first, the longest of those that start there.
struct AddedTokenSearch: Sendable {
  /// A part of a text: an added token, or what lies between.
  typealias Part = (token: AddedToken?, range: Range<Int>)

  private var tokens: [(pattern: [UInt32], token: AddedToken)] = []
  /// Tokens by their first scalar, the longest first.
  private var byFirst: [UInt32: [Int]] = [:]
  /// Which first scalars below 128 there are.
  private var ascii: (UInt64, UInt64) = (0, 0)
  private var hasOthers = false

  var isEmpty: Bool { tokens.isEmpty }

  mutating func insert(_ pattern: [UInt32], _ token: AddedToken) {
    guard let first = pattern.first else { return }
    tokens.append((pattern, token))
    byFirst[first, default: []].append(tokens.count - 1)
    byFirst[first]?.sort {
      (-tokens[$0].pattern.count, $0) < (-tokens[$1].pattern.count, $1)
    }
    if first < 64 {
      ascii.0 |= 1 << UInt64(first)
    } else if first < 128 {
      ascii.1 |= 1 << UInt64(first - 64)
    } else {
      hasOthers = true
    }
  }

  @inline(__always) private func mayBegin(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return ascii.0 >> UInt64(scalar) & 1 == 1 }
    if scalar < 128 { return ascii.1 >> UInt64(scalar - 64) & 1 == 1 }
    return hasOthers
  }

  private func match(_ text: [UInt32], _ i: Int) -> Int? {
    byFirst[text[i]]?.first { index in
      let pattern = tokens[index].pattern
      guard pattern.count <= text.count - i else { return false }
      for j in pattern.indices where pattern[j] != text[i + j] { return false }
      return true
    }
  }

  /// The parts of a text in order.
  func cut(_ text: [UInt32]) -> [Part] {
    guard !isEmpty else { return text.isEmpty ? [] : [(nil, 0..<text.count)] }
    let properties = ScalarProperties.shared
    func isWord(_ i: Int) -> Bool { properties.flags(text[i]).contains(.word) }
    var parts: [Part] = []
    var (last, i) = (0, 0)
    while i < text.count {
      guard mayBegin(text[i]), let index = match(text, i) else {
        i += 1
        continue
      }
      let token = tokens[index].token
      var (start, end) = (i, i + tokens[index].pattern.count)
      i = end
      if token.singleWord, (start > 0 && isWord(start - 1)) || (end < text.count && isWord(end)) {
        continue
      }
      if token.leftStrip {
        while start > 0, properties.isWhite(text[start - 1]) { start -= 1 }
        start = max(start, last)
      }
      if token.rightStrip {
        while end < text.count, properties.isWhite(text[end]) { end += 1 }
      }
      if last < start { parts.append((nil, last..<start)) }
      parts.append((token, start..<max(start, end)))
      last = end
    }
    if last < text.count { parts.append((nil, last..<text.count)) }
    return parts
  }
}
