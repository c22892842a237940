import Settings

/// A token of a word: its id, and the scalars of the word that it covers.
struct WordToken: Sendable {
  var id: Int32
  var start, end: Int32

  init(_ id: Int, _ start: Int, _ end: Int) {
    (self.id, self.start, self.end) = (Int32(id), Int32(start), Int32(end))
  }
}

/// Turns a word into tokens.
protocol TokenModel: Sendable {
  /// Appends the tokens of the word that lies in a range of some text; places count from its start.
  func tokenize(
    _ text: [UInt32], _ range: Range<Int>, into tokens: inout [WordToken]
  ) throws(Failure)

  /// The tokens and their ids, those of double tokens as the model finds them.
  var vocabulary: Vocabulary { get }

  /// The id of the unknown token, if there is one.
  var unknown: Int? { get }
}

/// Tokens with their ids.
struct Vocabulary: Sendable {
  private(set) var ids = SequenceTable()
  /// The token of each id; empty where there is none.
  private(set) var tokens: [[UInt32]] = []

  func id(of token: [UInt32]) -> Int? { ids.find(token) }
  func id(of token: String) -> Int? { id(of: token.unicodeScalars.map(\.value)) }

  mutating func insert(_ token: [UInt32], id: Int) {
    ids.insert(token, value: id)
    while tokens.count <= id { tokens.append([]) }
    tokens[id] = token
  }

  init() {}

  /// Reads {"token": id, …}.
  init(_ reader: ComponentReader) throws(Failure) {
    guard let members = reader.node["vocab"]?.members, !members.isEmpty else {
      throw Failure(
        .badData, at: "\(reader.place): vocab", "this is no vocabulary",
        expected: "an object of tokens and ids")
    }
    for member in members {
      // An id far beyond the number of tokens would ask for memory that nothing needs.
      guard let id = member.value.id, id < members.count * 4 + 1_000_000 else {
        throw Failure(
          .badData, at: "\(reader.place): vocab",
          "the id of '\(String(decoding: member.key, as: UTF8.self))' is no number that fits")
      }
      insert(member.key.scalars, id: id)
    }
  }

  /// The ids of `<0x00>` to `<0xFF>`; nil where one is missing.
  var byteTokens: [Int?] {
    (0..<256).map { byte in
      let digits = String(byte, radix: 16, uppercase: true)
      return id(of: "<0x" + (digits.count < 2 ? "0" : "") + digits + ">")
    }
  }

  /// How many scalars all tokens have.
  var scalarCount: Int { ids.keyScalars }
}

/// A type in tokenizer.json, and how its settings are read.
struct TokenModelKind: Sendable {
  let name: String
  let make: @Sendable (ComponentReader) throws(Failure) -> any TokenModel

  init(
    _ name: String, _ make: @escaping @Sendable (ComponentReader) throws(Failure) -> any TokenModel
  ) {
    (self.name, self.make) = (name, make)
  }
}

/// Every model of tokenizer.json: its type, and how it is read.
let allTokenModels: [TokenModelKind] = [
  TokenModelKind("WordPiece") { (r) throws(Failure) in try WordPieceModel(r) },
  TokenModelKind("BPE") { (r) throws(Failure) in try BytePairModel(r) },
  TokenModelKind("Unigram") { (r) throws(Failure) in try UnigramModel(r) },
  TokenModelKind("WordLevel") { (r) throws(Failure) in try WordLevelModel(r) },
]

func tokenModel(_ reader: ComponentReader) throws(Failure) -> any TokenModel {
  var type = "WordPiece"
  if reader.node["type"] != nil {
    type = try reader.type
  } else if reader.node["vocab"]?.list != nil {
    type = "Unigram"
  } else if reader.node["merges"] != nil {
    type = "BPE"
  }
  guard let make = allTokenModels.first(where: { $0.name == type })?.make else {
    throw try reader.unknown("model", allTokenModels.map(\.name))
  }
  return try make(reader)
}

extension ComponentReader {
  /// The id of the unknown token, which must be in the vocabulary.
  func unknown(in vocabulary: Vocabulary) throws(Failure) -> Int {
    let token = try text("unk_token")
    guard let id = vocabulary.id(of: token) else {
      throw Failure(
        .badData, at: place, "the unknown token '\(token)' is not in the vocabulary",
        remedy: "the vocabulary is cut short or not this tokenizer's")
    }
    return id
  }
}

/// Whole words or the unknown token.
struct WordLevelModel: TokenModel {
  let vocabulary: Vocabulary
  let unknown: Int?

  init(_ reader: ComponentReader) throws(Failure) {
    vocabulary = try Vocabulary(reader)
    unknown = vocabulary.id(of: try reader.text("unk_token"))
  }

  func tokenize(
    _ text: [UInt32], _ range: Range<Int>, into tokens: inout [WordToken]
  ) throws(Failure) {
    guard let id = vocabulary.ids.find(text, range) ?? unknown else {
      throw Failure(
        .badData, at: "tokenizer", "a word is unknown and the unknown token is not there",
        remedy: "use a tokenizer whose vocabulary holds its unknown token")
    }
    tokens.append(WordToken(id, 0, range.count))
  }
}

/// The longest piece from the left, again and again; pieces after the first carry a prefix.
struct WordPieceModel: TokenModel {
  let vocabulary: Vocabulary
  var unknown: Int? { unknownToken }
  private let unknownToken: Int
  private let longest: Int
  private var first, following: ScalarTrie

  init(_ reader: ComponentReader) throws(Failure) {
    vocabulary = try Vocabulary(reader)
    unknownToken = try reader.unknown(in: vocabulary)
    let prefix =
      reader.node["continuing_subword_prefix"] == nil
      ? Array("##".unicodeScalars.map(\.value)) : try reader.scalars("continuing_subword_prefix")
    longest =
      reader.node["max_input_chars_per_word"] == nil
      ? 100 : try reader.id("max_input_chars_per_word")
    first = ScalarTrie(capacity: vocabulary.scalarCount)
    following = ScalarTrie()
    for (id, token) in vocabulary.tokens.enumerated() where !token.isEmpty {
      first.insert(token, token: id)
      if token.starts(with: prefix), token.count > prefix.count {
        following.insert(Array(token.dropFirst(prefix.count)), token: id)
      }
    }
  }

  init(vocabulary: Vocabulary, unknown: Int) {
    (self.vocabulary, unknownToken, longest) = (vocabulary, unknown, 100)
    (first, following) = (ScalarTrie(capacity: vocabulary.scalarCount), ScalarTrie())
    for (id, token) in vocabulary.tokens.enumerated() where !token.isEmpty {
      first.insert(token, token: id)
      if token.starts(with: [0x23, 0x23]), token.count > 2 {
        following.insert(Array(token.dropFirst(2)), token: id)
      }
    }
  }

  func tokenize(
    _ text: [UInt32], _ range: Range<Int>, into tokens: inout [WordToken]
  ) throws(Failure) {
    let begin = tokens.count
    var start = range.lowerBound
    while start < range.upperBound, range.count <= longest {
      let trie = start == range.lowerBound ? first : following
      var (node, best, end) = (ScalarTrie.root, -1, start)
      for i in start..<range.upperBound {
        guard let next = trie.next(node, text[i]) else { break }
        node = next
        if trie.token(at: node) >= 0 { (best, end) = (trie.token(at: node), i + 1) }
      }
      guard best >= 0 else { break }
      tokens.append(WordToken(best, start - range.lowerBound, end - range.lowerBound))
      start = end
    }
    guard start < range.upperBound else { return }
    tokens.removeSubrange(begin...)
    tokens.append(WordToken(unknownToken, 0, range.count))
  }
}
