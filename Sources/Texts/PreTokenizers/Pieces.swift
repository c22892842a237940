import Settings

/// A text cut into words: one text, and ranges of it in order.
struct Pieces: Sendable {
  var text: AlignedText
  var ranges: [Range<Int>]

  init(_ text: AlignedText) {
    self.text = text
    ranges = text.count > 0 ? [0..<text.count] : []
  }
}

/// Cuts a text into words.
protocol PreTokenizer: Sendable {
  func split(_ pieces: inout Pieces) throws(Failure)
}

/// A type in tokenizer.json, and how its settings are read.
struct PreTokenizerKind: Sendable {
  let name: String
  let make: @Sendable (ComponentReader) throws(Failure) -> any PreTokenizer

  init(
    _ name: String,
    _ make: @escaping @Sendable (ComponentReader) throws(Failure) -> any PreTokenizer
  ) {
    (self.name, self.make) = (name, make)
  }
}

/// Every pre-tokeniser of tokenizer.json: its type, and how it is read.
let allPreTokenizers: [PreTokenizerKind] = [
  PreTokenizerKind("BertPreTokenizer") { (_) throws(Failure) in BertPreTokenizer() },
  PreTokenizerKind("Whitespace") { (_) throws(Failure) in WhitespacePreTokenizer() },
  PreTokenizerKind("WhitespaceSplit") { (_) throws(Failure) in WhitespaceSplitPreTokenizer() },
  PreTokenizerKind("Punctuation") { (r) throws(Failure) in try FlagSplit(punctuation: r) },
  PreTokenizerKind("Digits") { (r) throws(Failure) in try FlagSplit(digits: r) },
  PreTokenizerKind("CharDelimiterSplit") { (r) throws(Failure) in try DelimiterSplit(r) },
  PreTokenizerKind("Split") { (r) throws(Failure) in try PatternSplit(r) },
  PreTokenizerKind("ByteLevel") { (r) throws(Failure) in try ByteLevelPreTokenizer(r) },
  PreTokenizerKind("Metaspace") { (r) throws(Failure) in try MetaspacePreTokenizer(r) },
  PreTokenizerKind("Sequence") { (r) throws(Failure) in try PreTokenizerSequence(r) },
]

func preTokenizer(_ reader: ComponentReader) throws(Failure) -> any PreTokenizer {
  let type = try reader.type
  guard let make = allPreTokenizers.first(where: { $0.name == type })?.make else {
    throw try reader.unknown("pre-tokeniser", allPreTokenizers.map(\.name))
  }
  return try make(reader)
}

/// One pre-tokeniser after another, each over the pieces of the one before.
struct PreTokenizerSequence: PreTokenizer {
  private var steps: [any PreTokenizer] = []

  init(_ reader: ComponentReader) throws(Failure) {
    for component in try reader.components("pretokenizers") {
      steps.append(try preTokenizer(component))
    }
  }

  func split(_ pieces: inout Pieces) throws(Failure) {
    for step in steps { try step.split(&pieces) }
  }
}

/// What becomes of matches and of what lies between them.
enum SplitBehavior: String, CaseIterable {
  case removed = "Removed"
  case isolated = "Isolated"
  case contiguous = "Contiguous"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"

  init(_ reader: ComponentReader, default fallback: SplitBehavior? = nil) throws(Failure) {
    if let fallback, reader.node["behavior"] == nil {
      self = fallback
      return
    }
    let word = try reader.text("behavior")
    guard let behavior = SplitBehavior(rawValue: word) else {
      throw Failure(
        .badData, at: reader.place, "the behavior '\(word)' is not supported",
        remedy: suggestion(for: word, among: SplitBehavior.allCases.map(\.rawValue)))
    }
    self = behavior
  }

  /// Puts the ranges of one piece together; `parts` cover it in order.
  func append(_ parts: [(range: Range<Int>, isMatch: Bool)], to ranges: inout [Range<Int>]) {
    switch self {
    case .removed: for part in parts where !part.isMatch { ranges.append(part.range) }
    case .isolated: for part in parts { ranges.append(part.range) }
    case .contiguous:
      var before: Bool?
      for part in parts {
        if part.isMatch == before, let last = ranges.popLast() {
          ranges.append(last.lowerBound..<part.range.upperBound)
        } else {
          ranges.append(part.range)
        }
        before = part.isMatch
      }
    case .mergedWithPrevious:
      var before: Bool?
      for part in parts {
        if part.isMatch, before == false, let last = ranges.popLast() {
          ranges.append(last.lowerBound..<part.range.upperBound)
        } else {
          ranges.append(part.range)
        }
        before = part.isMatch
      }
    case .mergedWithNext:
      var open: Range<Int>?
      for part in parts {
        if part.isMatch {
          if let open { ranges.append(open) }
          open = part.range
        } else {
          ranges.append((open ?? part.range).lowerBound..<part.range.upperBound)
          open = nil
        }
      }
      if let open { ranges.append(open) }
    }
  }
}
