import Settings

/// The words of a corpus, as a tokeniser cuts them, and how often each comes.
struct WordCounts: Sendable {
  /// Sorted by their scalars, so that the order of the texts makes no difference.
  private(set) var words: [(scalars: [UInt32], count: Int)] = []

  /// - Parameters:
  ///   - longest: longer words are left out: they are no words.
  init(_ texts: [String], by tokenizer: Tokenizer, longest: Int = 100) throws(Failure) {
    var (index, counts, found) = (SequenceTable(), [Int](), [[UInt32]]())
    for text in texts {
      try tokenizer.forEachWord(of: text) { scalars, range in
        guard range.count <= longest else { return }
        let hash = SequenceTable.hash(scalars, range)
        if let place = index.find(scalars, range, hash: hash) {
          counts[place] += 1
        } else {
          index.insert(scalars, range, hash: hash, value: counts.count)
          found.append(Array(scalars[range]))
          counts.append(1)
        }
      }
    }
    words = zip(found, counts).map { ($0, $1) }
    words.sort { $0.scalars.lexicographicallyPrecedes($1.scalars) }
  }

  /// The scalars that come, the most frequent first.
  var alphabet: [(scalar: UInt32, count: Int)] {
    var counts: [UInt32: Int] = [:]
    for word in words { for scalar in word.scalars { counts[scalar, default: 0] += word.count } }
    return counts.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }
}

/// What can be trained on a corpus.
public enum VocabularyKind: String, CaseIterable, Sendable {
  case wordpiece, unigram
}

/// Trains a vocabulary on texts; the same texts give the same bytes.
///
/// - Parameters:
///   - size: how many tokens there are at most, special ones included.
/// - Returns: the files of a tokeniser's folder.
/// - Throws: if there are no words, or the size does not hold the letters.
/// - Reference: Schuster and Nakajima (2012) and Sennrich et al. (2016) for merging; Kudo (2018) for
///   the unigram model.
public func trainTokenizer(
  _ kind: VocabularyKind, on texts: [String], size: Int
) throws(Failure) -> [(name: String, bytes: [UInt8])] {
  switch kind {
  case .wordpiece: try WordPieceTrainer.train(on: texts, size: size)
  case .unigram: try UnigramTrainer.train(on: texts, size: size)
  }
}

/// Says that a corpus has nothing to learn from.
func emptyCorpus() -> Failure {
  Failure(
    .badData, at: "--input", "the texts have no words", expected: "at least one word to learn from")
}

/// The letters that a vocabulary holds: all, but for the rarest of very many.
func keptLetters(
  _ counts: WordCounts, size: Int, most: Int, formsPerLetter: Int, special: Int
) throws(Failure) -> Set<UInt32> {
  let alphabet = counts.alphabet.prefix(most)
  guard !alphabet.isEmpty else { throw emptyCorpus() }
  let least = special + alphabet.count * formsPerLetter
  guard size >= least else {
    throw Failure(
      .badUsage, at: "--size", "\(size) tokens do not hold the \(alphabet.count) letters",
      expected: "at least \(least)")
  }
  return Set(alphabet.map(\.scalar))
}
