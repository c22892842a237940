import Settings

/// The tokens of a text.
public struct Encoding: Sendable, Equatable {
  public var ids: [Int32] = []
  /// The scalars of the text that each token covers; 0..<0 for special tokens.
  public var starts: [Int32] = []
  public var ends: [Int32] = []

  public var count: Int { ids.count }

  public init() {}

  mutating func append(_ id: Int, _ start: Int32, _ end: Int32) {
    ids.append(Int32(id))
    starts.append(start)
    ends.append(end)
  }
}

/// A tokeniser as tokenizer.json describes it: normalise, cut into words, words into ids.
///
/// Ids and offsets are those of the tokenizers library 0.23. `truncation` and `padding` of the file
/// are leftovers of whoever wrote it and are not looked at.
public struct Tokenizer: Sendable {
  var normalizer: (any Normalizer)?
  var preTokenizer: (any PreTokenizer)?
  let model: any TokenModel
  var postProcessor = PostProcessor()
  package private(set) var addedTokens: [AddedToken] = []
  private var rawTokens = AddedTokenSearch()
  private var normalizedTokens = AddedTokenSearch()
  /// Where it came from, for messages.
  let place: String

  init(
    model: any TokenModel, normalizer: (any Normalizer)?, preTokenizer: (any PreTokenizer)?,
    postProcessor: PostProcessor, addedTokens: [AddedToken], at place: String
  ) throws(Failure) {
    (self.model, self.normalizer, self.preTokenizer) = (model, normalizer, preTokenizer)
    (self.postProcessor, self.place) = (postProcessor, place)
    try add(addedTokens)
  }

  /// Reads the text of a tokenizer.json.
  public init(json bytes: [UInt8], at place: String) throws(Failure) {
    let root = try ComponentReader(try JSONNode(bytes, at: place), at: place)
    func component(_ key: String) throws(Failure) -> ComponentReader? {
      guard let node = root.node[key] else { return nil }
      return try ComponentReader(node, at: "\(place): \(key)")
    }
    guard let model = try component("model") else {
      throw Failure(
        .badData, at: place, "there is no model", expected: "the key 'model'",
        remedy: "this is not a tokenizer.json")
    }
    self.model = try tokenModel(model)
    self.place = place
    normalizer = try component("normalizer").map { (r) throws(Failure) in try Texts.normalizer(r) }
    preTokenizer = try component("pre_tokenizer").map { (r) throws(Failure) in
      try Texts.preTokenizer(r)
    }
    if let processor = try component("post_processor") {
      postProcessor = try PostProcessor(processor)
    }
    var tokens: [AddedToken] = []
    if root.node["added_tokens"] != nil {
      for reader in try root.components("added_tokens") {
        tokens.append(try AddedToken(reader, in: self.model.vocabulary))
      }
    }
    try add(tokens)
  }

  private mutating func add(_ tokens: [AddedToken]) throws(Failure) {
    addedTokens = tokens
    rawTokens = AddedTokenSearch()
    normalizedTokens = AddedTokenSearch()
    for token in tokens {
      guard token.normalized else {
        rawTokens.insert(token.content, token)
        continue
      }
      var text = AlignedText(token.content)
      try normalizer?.normalize(&text)
      normalizedTokens.insert(text.scalars, token)
    }
  }

  /// This tokeniser with another normaliser.
  func replacing(normalizer: any Normalizer) throws(Failure) -> Tokenizer {
    var copy = self
    copy.normalizer = normalizer
    try copy.add(addedTokens)
    return copy
  }
}

// MARK: - What it holds

extension Tokenizer {
  /// The largest id that it can give.
  package var largestId: Int {
    let added = addedTokens.map(\.id).max() ?? -1
    let special = postProcessor.frame.map { part in
      if case .special(let id) = part { id } else { -1 }
    }
    return max(model.vocabulary.tokens.count - 1, added, special.max() ?? -1)
  }

  /// The id of a token, added ones included.
  package func id(of token: String) -> Int? {
    let scalars = token.unicodeScalars.map(\.value)
    return addedTokens.last { $0.content == scalars }?.id ?? model.vocabulary.id(of: scalars)
  }

  /// The id of the unknown token.
  package var unknownID: Int? { model.unknown }

  /// Ids of the special tokens.
  package var specialIDs: Set<Int> { Set(addedTokens.filter(\.isSpecial).map(\.id)) }

  /// How many scalars a token has, as the median over the vocabulary, rounded down.
  package var medianTokenLength: Int {
    var counts = model.vocabulary.tokens.filter { !$0.isEmpty }.map(\.count)
    let known = model.vocabulary
    counts += addedTokens.filter { known.id(of: $0.content) == nil }.map(\.content.count)
    counts.sort()
    guard !counts.isEmpty else { return 1 }
    return (counts[(counts.count - 1) / 2] + counts[counts.count / 2]) / 2
  }

  /// How many special tokens a text gets.
  package var specialCount: Int { postProcessor.specialCount }

  /// What is kept between texts: words seen before.
  public struct Session: Sendable {
    fileprivate var cache = WordCache()
    public init() {}
  }
}

// MARK: - Encoding

extension Tokenizer {
  /// The tokens of a text, with its special tokens.
  public func encode(_ text: String) throws(Failure) -> Encoding {
    var session = Session()
    return try encode(text, in: &session)
  }

  /// The tokens of a text.
  ///
  /// - Parameters:
  ///   - session: what is kept between the texts of one thread.
  ///   - special: whether special tokens are added.
  ///   - most: how many tokens the text is cut to, special tokens included; nil for all.
  public func encode(
    _ text: String, in session: inout Session, special: Bool = true, most: Int? = nil
  ) throws(Failure) -> Encoding {
    var scalars: [UInt32] = []
    scalars.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars { scalars.append(scalar.value) }
    guard scalars.count < 1 << 30 else {
      throw Failure(
        .badData, at: place, "a text has \(scalars.count) characters", expected: "fewer than 2^30")
    }
    var body = Encoding()
    body.ids.reserveCapacity(scalars.count / 3)
    body.starts.reserveCapacity(scalars.count / 3)
    body.ends.reserveCapacity(scalars.count / 3)
    /// The text of added tokens, with the blanks that they took along, by place in `body`.
    var found: [(index: Int, text: [UInt32])] = []
    try encode(AlignedText(scalars), in: &session, into: &body, &found)
    if let most {
      let room = max(most - (special ? specialCount : 0), 0)
      body.ids.removeLast(max(body.count - room, 0))
      body.starts.removeLast(max(body.starts.count - room, 0))
      body.ends.removeLast(max(body.ends.count - room, 0))
    }
    for addsPrefix in postProcessor.trims { trim(&body, found, addsPrefix: addsPrefix) }
    guard special, postProcessor.specialCount > 0 else { return body }
    var result = Encoding()
    for part in postProcessor.frame {
      switch part {
      case .special(let id): result.append(id, 0, 0)
      case .text:
        result.ids += body.ids
        result.starts += body.starts
        result.ends += body.ends
      }
    }
    return result
  }

  private func encode(
    _ text: AlignedText, in session: inout Session, into body: inout Encoding,
    _ found: inout [(index: Int, text: [UInt32])]
  ) throws(Failure) {
    func add(_ token: AddedToken, _ text: AlignedText, _ range: Range<Int>) {
      guard !range.isEmpty else { return }
      let origin = text.origin(range)
      if !postProcessor.trims.isEmpty { found.append((body.count, Array(text.scalars[range]))) }
      body.append(token.id, origin.start, origin.end)
    }
    for part in rawTokens.cut(text.scalars) {
      if let token = part.token {
        add(token, text, part.range)
        continue
      }
      var piece = part.range.count == text.count ? text : AlignedText(text, part.range)
      try normalizer?.normalize(&piece)
      for part in normalizedTokens.cut(piece.scalars) {
        if let token = part.token {
          add(token, piece, part.range)
        } else if part.range.count == piece.count {
          try encodeWords(piece, in: &session, into: &body)
        } else {
          try encodeWords(AlignedText(piece, part.range), in: &session, into: &body)
        }
      }
    }
  }

  /// Calls `body` with the words of a text: what the normaliser and the pre-tokeniser make of it.
  func forEachWord(
    of text: String, _ body: (_ text: [UInt32], Range<Int>) -> Void
  ) throws(Failure) {
    var aligned = AlignedText(text.unicodeScalars.map(\.value))
    try normalizer?.normalize(&aligned)
    var pieces = Pieces(aligned)
    try preTokenizer?.split(&pieces)
    for range in pieces.ranges where !range.isEmpty { body(pieces.text.scalars, range) }
  }

  private func encodeWords(
    _ text: AlignedText, in session: inout Session, into body: inout Encoding
  ) throws(Failure) {
    var pieces = Pieces(text)
    try preTokenizer?.split(&pieces)
    let scalars = pieces.text.scalars
    for range in pieces.ranges where !range.isEmpty {
      let span = try session.cache.range(of: scalars, range) { (tokens) throws(Failure) in
        try model.tokenize(scalars, range, into: &tokens)
      }
      for i in span {
        let token = session.cache.tokens[i]
        let first = range.lowerBound + Int(token.start)
        let last = range.lowerBound + Int(token.end) - 1
        body.append(Int(token.id), pieces.text.starts[first], pieces.text.ends[last])
      }
    }
  }

  /// Leaves the blanks that tokens begin or end with out of their offsets.
  private func trim(
    _ body: inout Encoding, _ found: [(index: Int, text: [UInt32])], addsPrefix: Bool
  ) {
    let properties = ScalarProperties.shared
    func isBlank(_ scalar: UInt32) -> Bool { scalar == 0x120 || properties.isWhite(scalar) }
    var next = found[...]
    for i in 0..<body.count {
      let id = Int(body.ids[i])
      var token = id < model.vocabulary.tokens.count ? model.vocabulary.tokens[id] : []
      if next.first?.index == i, let added = next.popFirst() { token = added.text }
      var left = Int32(token.prefix(while: isBlank).count)
      let right = Int32(token.reversed().prefix(while: isBlank).count)
      let end = body.ends[i]
      if left > 0 {
        if i == 0 || body.starts[i] == 0, addsPrefix { left -= 1 }
        body.starts[i] = min(body.starts[i] + left, end)
      }
      if right > 0, end >= right { body.ends[i] = max(end - right, body.starts[i]) }
    }
  }
}
