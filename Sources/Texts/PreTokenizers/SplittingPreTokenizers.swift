import Settings

extension Pieces {
  /// Cuts each piece anew; `cut` appends the ranges that a piece becomes.
  mutating func cutEach(
    _ cut: (_ scalars: [UInt32], Range<Int>, inout [Range<Int>]) throws(Failure) -> Void
  ) throws(Failure) {
    var new: [Range<Int>] = []
    new.reserveCapacity(ranges.count * 2)
    for range in ranges { try cut(text.scalars, range, &new) }
    ranges = new
  }
}

/// At white space, which goes; then every punctuation mark by itself.
struct BertPreTokenizer: PreTokenizer {
  func split(_ pieces: inout Pieces) throws(Failure) {
    let properties = ScalarProperties.shared
    try pieces.cutEach { scalars, range, new in
      var start = range.lowerBound
      for i in range {
        let flags = properties.flags(scalars[i])
        guard !flags.isDisjoint(with: [.white, .punctuation]) else { continue }
        if start < i { new.append(start..<i) }
        if flags.contains(.punctuation) { new.append(i..<i + 1) }
        start = i + 1
      }
      if start < range.upperBound { new.append(start..<range.upperBound) }
    }
  }
}

/// `\w+|[^\w\s]+`: runs of word scalars, and runs of what is neither that nor white space.
struct WhitespacePreTokenizer: PreTokenizer {
  func split(_ pieces: inout Pieces) throws(Failure) {
    let properties = ScalarProperties.shared
    try pieces.cutEach { scalars, range, new in
      var (start, before) = (range.lowerBound, 0)
      for i in range {
        let flags = properties.flags(scalars[i])
        let kind = flags.contains(.word) ? 1 : flags.contains(.white) ? 0 : 2
        if kind != before {
          if before != 0 { new.append(start..<i) }
          (start, before) = (i, kind)
        }
      }
      if before != 0 { new.append(start..<range.upperBound) }
    }
  }
}

/// At white space, which goes.
struct WhitespaceSplitPreTokenizer: PreTokenizer {
  func split(_ pieces: inout Pieces) throws(Failure) {
    let properties = ScalarProperties.shared
    try pieces.cutEach { scalars, range, new in
      var start = range.lowerBound
      for i in range where properties.isWhite(scalars[i]) {
        if start < i { new.append(start..<i) }
        start = i + 1
      }
      if start < range.upperBound { new.append(start..<range.upperBound) }
    }
  }
}

/// At scalars with some property.
struct FlagSplit: PreTokenizer {
  private let flags: ScalarFlags
  private let behavior: SplitBehavior

  init(punctuation reader: ComponentReader) throws(Failure) {
    flags = .punctuation
    behavior = try SplitBehavior(reader, default: .isolated)
  }

  init(digits reader: ComponentReader) throws(Failure) {
    flags = .numeric
    behavior = try reader.flag("individual_digits", default: false) ? .isolated : .contiguous
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    let properties = ScalarProperties.shared
    try pieces.cutEach { scalars, range, new in
      behavior.append(
        single(scalars, range) { !properties.flags($0).isDisjoint(with: flags) }, to: &new)
    }
  }
}

/// Each scalar that is a match, and the runs between them.
private func single(
  _ scalars: [UInt32], _ range: Range<Int>, _ isMatch: (UInt32) -> Bool
) -> [(range: Range<Int>, isMatch: Bool)] {
  var parts: [(range: Range<Int>, isMatch: Bool)] = []
  var start = range.lowerBound
  for i in range where isMatch(scalars[i]) {
    if start < i { parts.append((start..<i, false)) }
    parts.append((i..<i + 1, true))
    start = i + 1
  }
  if start < range.upperBound { parts.append((start..<range.upperBound, false)) }
  return parts
}

/// At one scalar, which goes.
struct DelimiterSplit: PreTokenizer {
  private let delimiter: UInt32

  init(_ reader: ComponentReader) throws(Failure) {
    let scalars = try reader.scalars("delimiter")
    guard scalars.count == 1 else {
      throw Failure(
        .badData, at: reader.place, "the delimiter has \(scalars.count) characters",
        expected: "one")
    }
    delimiter = scalars[0]
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    try pieces.cutEach { scalars, range, new in
      SplitBehavior.removed.append(single(scalars, range) { $0 == delimiter }, to: &new)
    }
  }
}

/// At the matches of a pattern.
struct PatternSplit: PreTokenizer {
  private let pattern: any Pattern
  private let behavior: SplitBehavior
  private let isInverted: Bool

  init(_ reader: ComponentReader) throws(Failure) {
    pattern = try reader.pattern("pattern")
    behavior = try SplitBehavior(reader)
    isInverted = try reader.flag("invert", default: false)
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    try pieces.cutEach { (scalars, range, new) throws(Failure) in
      var parts: [(range: Range<Int>, isMatch: Bool)] = []
      try pattern.cut(scalars, range) { parts.append(($0, $1 != isInverted)) }
      behavior.append(parts, to: &new)
    }
  }
}

/// A blank in front, the words of GPT-2, and every byte as its letter.
struct ByteLevelPreTokenizer: PreTokenizer {
  private let addsPrefixSpace, usesPattern: Bool

  init(_ reader: ComponentReader) throws(Failure) {
    addsPrefixSpace = try reader.flag("add_prefix_space", default: true)
    usesPattern = try reader.flag("use_regex", default: true)
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    if addsPrefixSpace { pieces.prefixEach(with: 0x20) { _, first in first != 0x20 } }
    if usesPattern {
      let pattern = ByteLevelPattern()
      try pieces.cutEach { scalars, range, new in
        var start = range.lowerBound
        while start < range.upperBound {
          let end = pattern.end(scalars, start, range.upperBound)
          new.append(start..<end)
          start = end
        }
      }
    }
    let old = pieces.text
    var text = AlignedText(reserving: old.count + old.count / 4)
    for i in pieces.ranges.indices {
      let start = text.count
      text.appendByteLetters(of: old, pieces.ranges[i])
      pieces.ranges[i] = start..<text.count
    }
    pieces.text = text
  }
}

extension Pieces {
  /// Puts a scalar in front of the pieces for which `needs` holds, in the place of their first.
  mutating func prefixEach(
    with prefix: UInt32, where needs: (_ start: Int32, _ first: UInt32) -> Bool
  ) {
    let old = text
    guard ranges.contains(where: { needs(old.starts[$0.lowerBound], old.scalars[$0.lowerBound]) })
    else { return }
    text = AlignedText(reserving: old.count + ranges.count)
    for i in ranges.indices {
      let (range, start) = (ranges[i], text.count)
      if needs(old.starts[range.lowerBound], old.scalars[range.lowerBound]) {
        text.append(prefix, from: old, at: range.lowerBound)
      }
      text.append(old, range)
      ranges[i] = start..<text.count
    }
  }
}

/// Blanks become a visible letter, and each word begins with one.
struct MetaspacePreTokenizer: PreTokenizer {
  private enum Scheme: String { case always, first, never }

  private let replacement: UInt32
  private let scheme: Scheme
  private let splits: Bool

  init(_ reader: ComponentReader) throws(Failure) {
    let letters = try reader.scalars("replacement")
    guard letters.count == 1 else {
      throw Failure(
        .badData, at: reader.place, "the replacement has \(letters.count) characters",
        expected: "one")
    }
    replacement = letters[0]
    if reader.node["prepend_scheme"] != nil {
      let word = try reader.text("prepend_scheme")
      guard let scheme = Scheme(rawValue: word) else {
        throw Failure(
          .badData, at: reader.place, "the prepend_scheme '\(word)' is not supported",
          expected: "always, first or never")
      }
      self.scheme = scheme
    } else {
      scheme = try reader.flag("add_prefix_space", default: true) ? .always : .never
    }
    splits = try reader.flag("split", default: true)
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    for i in 0..<pieces.text.count where pieces.text.scalars[i] == 0x20 {
      pieces.text.replace(at: i, by: replacement)
    }
    if scheme != .never {
      pieces.prefixEach(with: replacement) { start, first in
        first != replacement && (scheme == .always || start == 0)
      }
    }
    guard splits else { return }
    try pieces.cutEach { scalars, range, new in
      SplitBehavior.mergedWithNext.append(
        single(scalars, range) { $0 == replacement }, to: &new)
    }
  }
}
