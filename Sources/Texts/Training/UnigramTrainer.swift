import Foundation
import Settings

/// Learns a unigram vocabulary: many substrings, of which those that the likelihood of the corpus
/// misses least are dropped, until as many are left as asked for.
///
/// - Reference: Kudo, *Subword Regularization* (2018); SentencePiece's trainer.
struct UnigramTrainer {
  private static let special = ["<s>", "<pad>", "</s>", "<unk>"]
  private static let mostLetters = 4000
  /// The longest token; how many candidates for each token; what is kept in a round of dropping.
  private static let (longest, candidates, kept) = (16, 10, 0.75)

  private struct Token {
    var scalars: [UInt32]
    var score: Double
  }

  private let words: [(scalars: [UInt32], count: Int)]
  private let letters: Set<UInt32>
  private var tokens: [Token] = []
  private var trie = ScalarTrie()

  static func train(
    on texts: [String], size: Int
  ) throws(Failure) -> [(name: String, bytes: [UInt8])] {
    let tokenizer = try Tokenizer(
      json: json(special.map { ($0, 0) }), at: "train-tokenizer")
    let counts = try WordCounts(texts, by: tokenizer)
    // The mask stands behind the vocabulary, as in XLM-R.
    let letters = try keptLetters(
      counts, size: size, most: mostLetters, formsPerLetter: 1, special: special.count + 1)
    let wanted = size - special.count - 1
    var trainer = UnigramTrainer(counts.words, letters: letters, most: wanted * candidates)
    trainer.fit(to: wanted)
    let rows = special.map { ($0, 0.0) } + trainer.result(wanted)
    return files(rows)
  }

  private init(
    _ counted: [(scalars: [UInt32], count: Int)], letters: Set<UInt32>, most: Int
  ) {
    self.letters = letters
    // A word is cut at letters that are too rare to be in the vocabulary.
    words = counted.flatMap { word in
      word.scalars.split { !letters.contains($0) }.map { (Array($0), word.count) }
    }
    seed(most: most)
  }

  // MARK: Candidates

  /// Substrings that come at least twice, by their count times their length.
  private mutating func seed(most: Int) {
    var counts = SequenceTable()
    var (texts, numbers) = ([[UInt32]](), [Int]())
    for length in 1...UnigramTrainer.longest {
      let before = texts.count
      for word in words where word.scalars.count >= length {
        for start in 0...word.scalars.count - length {
          let range = start..<start + length
          // Only what grows out of a frequent part can be frequent.
          if length > 1 {
            guard
              let part = counts.find(word.scalars, start..<start + length - 1),
              numbers[part] > 1
            else { continue }
          }
          let hash = SequenceTable.hash(word.scalars, range)
          if let place = counts.find(word.scalars, range, hash: hash) {
            numbers[place] += word.count
          } else {
            counts.insert(word.scalars, range, hash: hash, value: texts.count)
            texts.append(Array(word.scalars[range]))
            numbers.append(word.count)
          }
        }
      }
      if texts.count == before { break }
    }
    let single = texts.indices.filter { texts[$0].count == 1 }
    var long = texts.indices.filter { texts[$0].count > 1 && numbers[$0] > 1 }
    long.sort {
      let (a, b) = (numbers[$0] * texts[$0].count, numbers[$1] * texts[$1].count)
      return a != b ? a > b : texts[$0].lexicographicallyPrecedes(texts[$1])
    }
    let chosen = single + long.prefix(most)
    let total = Foundation.log(
      Double(chosen.reduce(0) { $0 + numbers[$1] * texts[$1].count }))
    tokens = chosen.map {
      Token(
        scalars: texts[$0],
        score: Foundation.log(Double(numbers[$0] * texts[$0].count)) - total)
    }
    tokens.sort { $0.scalars.lexicographicallyPrecedes($1.scalars) }
    makeTrie()
  }

  private mutating func makeTrie() {
    trie = ScalarTrie(capacity: tokens.count * 3)
    for (i, token) in tokens.enumerated() { trie.insert(token.scalars, token: i) }
  }

  // MARK: Fitting

  private mutating func fit(to wanted: Int) {
    // A tenth more than wanted is left for the last choice, by score.
    let target = max(wanted + wanted / 10, letters.count)
    while true {
      for _ in 0..<2 { maximize(expectedCounts()) }
      guard tokens.count > target else { return }
      drop(to: max(target, Int(Double(tokens.count) * UnigramTrainer.kept)))
    }
  }

  /// Calls `body` for each token that lies in a word: where, and which.
  private func forEachSpan(
    _ word: [UInt32], _ body: (_ start: Int, _ end: Int, _ token: Int) -> Void
  ) {
    for start in word.indices {
      var node = ScalarTrie.root
      for end in start + 1...word.count {
        guard let next = trie.next(node, word[end - 1]) else { break }
        node = next
        let token = trie.token(at: node)
        if token >= 0 { body(start, end, token) }
      }
    }
  }

  /// How often each token is expected, over all ways to cut each word.
  private func expectedCounts() -> [Double] {
    var counts = [Double](repeating: 0, count: tokens.count)
    for word in words {
      let n = word.scalars.count
      var (ahead, behind) = (
        [Double](repeating: -.infinity, count: n + 1),
        [Double](repeating: -.infinity, count: n + 1)
      )
      (ahead[0], behind[n]) = (0, 0)
      var spans: [(start: Int, end: Int, token: Int)] = []
      forEachSpan(word.scalars) { spans.append(($0, $1, $2)) }
      for span in spans {
        ahead[span.end] = logSum(ahead[span.end], ahead[span.start] + tokens[span.token].score)
      }
      for span in spans.reversed() {
        behind[span.start] = logSum(
          behind[span.start], behind[span.end] + tokens[span.token].score)
      }
      guard ahead[n].isFinite else { continue }
      for span in spans {
        let share = Foundation.exp(
          ahead[span.start] + tokens[span.token].score + behind[span.end] - ahead[n])
        counts[span.token] += Double(word.count) * share
      }
    }
    return counts
  }

  /// New scores out of expected counts; tokens that are hardly expected go, letters stay.
  private mutating func maximize(_ counts: [Double]) {
    var (kept, numbers) = ([Token](), [Double]())
    for (token, count) in zip(tokens, counts) where count >= 0.5 || token.scalars.count == 1 {
      kept.append(token)
      numbers.append(max(count, 0.5))
    }
    let total = digamma(numbers.reduce(0, +))
    tokens = zip(kept, numbers).map {
      Token(scalars: $0.scalars, score: digamma($1) - total)
    }
    makeTrie()
  }

  /// Drops the tokens whose second-best cut costs the corpus least.
  private mutating func drop(to count: Int) {
    var used = [Double](repeating: 0, count: tokens.count)
    for word in words {
      for token in bestCut(word.scalars, without: -1) ?? [] { used[token] += Double(word.count) }
    }
    let total = used.reduce(0, +)
    var losses: [(loss: Double, index: Int)] = []
    for (i, token) in tokens.enumerated() where token.scalars.count > 1 {
      guard used[i] > 0 else {
        losses.append((0, i))
        continue
      }
      guard let other = bestCut(token.scalars, without: i) else { continue }
      let otherScore = other.reduce(0) { $0 + tokens[$1].score }
      losses.append((used[i] / total * (token.score - otherScore), i))
    }
    losses.sort { ($0.loss, $1.index) < ($1.loss, $0.index) }
    let dropped = Set(losses.prefix(tokens.count - count).map(\.index))
    tokens = tokens.indices.filter { !dropped.contains($0) }.map { tokens[$0] }
    makeTrie()
  }

  /// The likeliest way to cut a word, perhaps without one token; nil if there is none.
  private func bestCut(_ word: [UInt32], without missing: Int) -> [Int]? {
    var best = [(score: Double, start: Int, token: Int)](
      repeating: (-.infinity, -1, -1), count: word.count + 1)
    best[0].score = 0
    forEachSpan(word) { start, end, token in
      let score = best[start].score + tokens[token].score
      if token != missing, score > best[end].score { best[end] = (score, start, token) }
    }
    guard best[word.count].score.isFinite else { return nil }
    var (cut, end) = ([Int](), word.count)
    while end > 0 {
      cut.append(best[end].token)
      end = best[end].start
    }
    return cut.reversed()
  }

  /// The letters and the likeliest of the others, by falling score.
  private func result(_ wanted: Int) -> [(String, Double)] {
    func goesBefore(_ a: Token, _ b: Token) -> Bool {
      a.score != b.score ? a.score > b.score : a.scalars.lexicographicallyPrecedes(b.scalars)
    }
    let single = tokens.filter { $0.scalars.count == 1 }
    let long = tokens.filter { $0.scalars.count > 1 }.sorted(by: goesBefore)
    let chosen = single + long.prefix(max(0, wanted - single.count))
    return chosen.sorted(by: goesBefore).map { (String(scalars: $0.scalars), $0.score) }
  }

  // MARK: Writing

  private static func files(_ rows: [(String, Double)]) -> [(name: String, bytes: [UInt8])] {
    let config: JSONValue = [
      "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, "bos_token": "<s>",
      "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
      "pad_token": "<pad>", "mask_token": "<mask>",
      "model_input_names": ["input_ids", "attention_mask"],
    ]
    return [
      ("tokenizer.json", json(rows)), ("tokenizer_config.json", Array(config.indented.utf8)),
    ]
  }

  private static func json(_ rows: [(String, Double)]) -> [UInt8] {
    func special(_ token: String) -> JSONValue {
      ["SpecialToken": ["id": .string(token), "type_id": 0]]
    }
    func sequence(_ name: String) -> JSONValue {
      ["Sequence": ["id": .string(name), "type_id": 0]]
    }
    func described(_ token: String, _ id: Int) -> JSONValue {
      ["id": .string(token), "ids": [JSONValue(id)], "tokens": [.string(token)]]
    }
    guard case .array(var added) = addedTokens(UnigramTrainer.special) else { return [] }
    added.append([
      "id": JSONValue(rows.count), "content": "<mask>", "single_word": false, "lstrip": true,
      "rstrip": false, "normalized": false, "special": true,
    ])
    let whole: JSONValue = [
      "version": "1.0", "truncation": .null, "padding": .null, "added_tokens": .array(added),
      "normalizer": [
        "type": "Sequence",
        "normalizers": [
          ["type": "Nmt"], ["type": "NFKC"],
          ["type": "Replace", "pattern": ["Regex": " {2,}"], "content": " "],
        ],
      ],
      "pre_tokenizer": [
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true,
      ],
      "post_processor": [
        "type": "TemplateProcessing", "single": [special("<s>"), sequence("A"), special("</s>")],
        "pair": [
          special("<s>"), sequence("A"), special("</s>"), special("</s>"), sequence("B"),
          special("</s>"),
        ],
        "special_tokens": ["<s>": described("<s>", 0), "</s>": described("</s>", 2)],
      ],
      "decoder": [
        "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true,
      ],
      "model": [
        "type": "Unigram", "unk_id": 3, "byte_fallback": false, "vocab": "\u{0}",
      ],
    ]
    let list = rows.map { "[\(JSONValue.string($0.0)), \(JSONValue.number($0.1))]" }
    return filled(whole, vocabulary: "[" + list.joined(separator: ", ") + "]")
  }
}

/// log(eᵃ + eᵇ).
private func logSum(_ a: Double, _ b: Double) -> Double {
  let (high, low) = (max(a, b), min(a, b))
  return low == -.infinity ? high : high + Foundation.log1p(Foundation.exp(low - high))
}

/// The derivative of log Γ, by its recurrence and its asymptotic series.
private func digamma(_ x: Double) -> Double {
  var (x, sum) = (x, 0.0)
  while x < 7 {
    sum -= 1 / x
    x += 1
  }
  let (rate, y) = (1 / (x * x), x)
  return sum + Foundation.log(y) - 0.5 / y
    - rate * (1.0 / 12 - rate * (1.0 / 120 - rate * (1.0 / 252 - rate / 240)))
}
