import Settings

/// Learns a WordPiece vocabulary: the most frequent pair of neighbours becomes a token, again and
/// again, as the tokenizers library trains it.
enum WordPieceTrainer {
  private static let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
  /// Rarer letters of larger alphabets stay unknown.
  private static let mostLetters = 2000

  static func train(
    on texts: [String], size: Int
  ) throws(Failure) -> [(name: String, bytes: [UInt8])] {
    let counts = try WordCounts(texts, by: try empty())
    let letters = try keptLetters(
      counts, size: size, most: mostLetters, formsPerLetter: 2, special: special.count)
    var merging = PairMerging(counts.words, letters: letters, firstID: special.count)
    while special.count + merging.tokens.count < size, merging.mergeBest() {}
    let tokens = special + merging.tokens.map { String(scalars: $0) }
    return files(tokens)
  }

  /// A tokeniser without a vocabulary, for its normaliser and its words.
  private static func empty() throws(Failure) -> Tokenizer {
    try Tokenizer(json: json(special), at: "train-tokenizer")
  }

  private static func files(_ tokens: [String]) -> [(name: String, bytes: [UInt8])] {
    let config: JSONValue = [
      "tokenizer_class": "BertTokenizer", "do_lower_case": true, "model_max_length": 512,
      "strip_accents": .null, "tokenize_chinese_chars": true, "unk_token": "[UNK]",
      "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
    ]
    return [
      ("tokenizer.json", json(tokens)), ("tokenizer_config.json", Array(config.indented.utf8)),
      ("vocab.txt", Array(tokens.map { $0 + "\n" }.joined().utf8)),
    ]
  }

  private static func json(_ tokens: [String]) -> [UInt8] {
    func piece(_ kind: String, _ id: String) -> JSONValue {
      [kind == "A" ? "Sequence" : "SpecialToken": ["id": .string(id), "type_id": 0]]
    }
    func described(_ token: String, _ id: Int) -> JSONValue {
      ["id": .string(token), "ids": [JSONValue(id)], "tokens": [.string(token)]]
    }
    let whole: JSONValue = [
      "version": "1.0", "truncation": .null, "padding": .null,
      "added_tokens": addedTokens(special),
      "normalizer": [
        "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
        "strip_accents": .null, "lowercase": true,
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": [
        "type": "TemplateProcessing",
        "single": [piece("", "[CLS]"), piece("A", "A"), piece("", "[SEP]")],
        "pair": [
          piece("", "[CLS]"), piece("A", "A"), piece("", "[SEP]"),
          ["Sequence": ["id": "B", "type_id": 1]],
          ["SpecialToken": ["id": "[SEP]", "type_id": 1]],
        ],
        "special_tokens": ["[CLS]": described("[CLS]", 2), "[SEP]": described("[SEP]", 3)],
      ],
      "decoder": ["type": "WordPiece", "prefix": "##", "cleanup": true],
      "model": [
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": "\u{0}",
      ],
    ]
    return filled(whole, vocabulary: objectText(tokens))
  }
}

/// The entries of special tokens, whose ids are 0, 1, 2 …
func addedTokens(_ special: [String]) -> JSONValue {
  .array(
    special.enumerated().map { id, token in
      [
        "id": JSONValue(id), "content": .string(token), "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false, "special": true,
      ]
    })
}

/// {"token": 0, …} in the order of the ids, which a dictionary of Swift's texts would not keep.
private func objectText(_ tokens: [String]) -> String {
  let members = tokens.enumerated().map { "\(JSONValue.string($1)): \($0)" }
  return "{" + members.joined(separator: ", ") + "}"
}

/// The text of a tokenizer.json whose vocabulary is held open by a NUL.
func filled(_ whole: JSONValue, vocabulary: String) -> [UInt8] {
  let parts = whole.indented.split(separator: "\"\\u0000\"", omittingEmptySubsequences: false)
  return Array(parts.joined(separator: vocabulary).utf8)
}

extension String {
  init(scalars: [UInt32]) {
    self.init(String.UnicodeScalarView(scalars.compactMap { Unicode.Scalar($0) }))
  }
}

/// Words as tokens, and the pairs of neighbours by how often they come.
private struct PairMerging {
  private struct Pair {
    var count = 0
    /// Words that hold or held it; some more than once.
    var words: [Int32] = []
  }

  private(set) var tokens: [[UInt32]] = []
  private var words: [(tokens: [Int32], count: Int)] = []
  private var pairs: [UInt64: Pair] = [:]
  private var queue = PairQueue()
  /// Tokens by their text: two pairs may make the same one.
  private var ids = SequenceTable()
  private static let prefix: [UInt32] = [0x23, 0x23]

  init(_ counted: [(scalars: [UInt32], count: Int)], letters: Set<UInt32>, firstID: Int) {
    var forms: Set<[UInt32]> = []
    for word in counted {
      for (i, scalar) in word.scalars.enumerated() where letters.contains(scalar) {
        forms.insert(i == 0 ? [scalar] : PairMerging.prefix + [scalar])
      }
    }
    for form in forms.sorted(by: { $0.lexicographicallyPrecedes($1) }) { _ = id(of: form) }
    for word in counted where word.scalars.allSatisfy(letters.contains) {
      var tokens: [Int32] = []
      for (i, scalar) in word.scalars.enumerated() {
        tokens.append(id(of: i == 0 ? [scalar] : PairMerging.prefix + [scalar]))
      }
      words.append((tokens, word.count))
    }
    for (w, word) in words.enumerated() {
      for pair in zip(word.tokens, word.tokens.dropFirst()) {
        add(word.count, to: PairMerging.key(pair.0, pair.1), in: Int32(w))
      }
    }
    for (key, pair) in pairs { queue.push(.init(count: pair.count, key: key)) }
  }

  private mutating func id(of token: [UInt32]) -> Int32 {
    if let id = ids.find(token) { return Int32(id) }
    ids.insert(token, value: tokens.count)
    tokens.append(token)
    return Int32(tokens.count - 1)
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(left) << 32 | UInt64(right)
  }

  private mutating func add(_ count: Int, to key: UInt64, in word: Int32) {
    pairs[key, default: Pair()].count += count
    if count > 0 { pairs[key]?.words.append(word) }
  }

  /// Makes a token of the pair that comes most often; of equals the one of lower ids.
  ///
  /// - Returns: whether there was a pair.
  mutating func mergeBest() -> Bool {
    while let top = queue.pop() {
      guard let pair = pairs[top.key], pair.count > 0 else { continue }
      // The queue's count may be out of date.
      guard pair.count == top.count else {
        queue.push(.init(count: pair.count, key: top.key))
        continue
      }
      let (left, right) = (Int32(top.key >> 32), Int32(top.key & 0xFFFF_FFFF))
      let merged = tokens[Int(left)] + tokens[Int(right)].dropFirst(PairMerging.prefix.count)
      let before = tokens.count
      let id = id(of: merged)
      pairs[top.key] = nil
      merge(left, right, into: id, in: pair.words)
      if tokens.count > before { return true }
    }
    return false
  }

  private mutating func merge(_ left: Int32, _ right: Int32, into id: Int32, in list: [Int32]) {
    var (changed, last) = (Set<UInt64>(), Int32(-1))
    for w in list.sorted() where w != last {
      last = w
      let (old, count) = words[Int(w)]
      var new: [Int32] = []
      var i = 0
      while i < old.count {
        if i + 1 < old.count, old[i] == left, old[i + 1] == right {
          new.append(id)
          i += 2
        } else {
          new.append(old[i])
          i += 1
        }
      }
      guard new.count < old.count else { continue }
      let merged = PairMerging.key(left, right)
      for pair in zip(old, old.dropFirst()) {
        let key = PairMerging.key(pair.0, pair.1)
        if key != merged { add(-count, to: key, in: w) }
      }
      for pair in zip(new, new.dropFirst()) {
        let key = PairMerging.key(pair.0, pair.1)
        add(count, to: key, in: w)
        changed.insert(key)
      }
      words[Int(w)].tokens = new
    }
    for key in changed { queue.push(.init(count: pairs[key]?.count ?? 0, key: key)) }
  }
}

/// Pairs by falling count, then by rising ids: a binary heap.
private struct PairQueue {
  struct Item {
    let count: Int
    let key: UInt64

    func goesBefore(_ other: Item) -> Bool {
      count != other.count ? count > other.count : key < other.key
    }
  }

  private var heap: [Item] = []

  mutating func push(_ item: Item) {
    heap.append(item)
    var i = heap.count - 1
    while i > 0, heap[i].goesBefore(heap[(i - 1) / 2]) {
      heap.swapAt(i, (i - 1) / 2)
      i = (i - 1) / 2
    }
  }

  mutating func pop() -> Item? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var i = 0
    while true {
      var child = 2 * i + 1
      guard child < heap.count else { return first }
      if child + 1 < heap.count, heap[child + 1].goesBefore(heap[child]) { child += 1 }
      guard heap[child].goesBefore(heap[i]) else { return first }
      heap.swapAt(child, i)
      i = child
    }
  }
}
