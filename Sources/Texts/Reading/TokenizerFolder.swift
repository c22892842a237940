import Files
import Settings

extension Tokenizer {
  /// Reads the tokeniser of a model's folder: tokenizer.json, else vocab.txt, else vocab.json with
  /// merges.txt; and lets the flags of tokenizer_config.json have their way.
  ///
  /// - Parameter say: gets a sentence when a flag overrules the file.
  public init(folder: String, say: (String) -> Void = { _ in }) throws(Failure) {
    guard FileSystem.isFolder(folder) else {
      throw Failure(
        .noInput, at: folder, "there is no such folder", expected: "a folder with tokenizer.json")
    }
    let config = try TokenizerConfig(folder: folder)
    func has(_ name: String) -> Bool { FileSystem.exists("\(folder)/\(name)") }
    if has("tokenizer.json") {
      let path = "\(folder)/tokenizer.json"
      var tokenizer = try Tokenizer(json: try FileSystem.read(path), at: path)
      if let bert = tokenizer.normalizer as? BertNormalizer, config.isBert,
        let (changed, flags) = try config.changed(bert)
      {
        tokenizer = try tokenizer.replacing(normalizer: changed)
        say("\(path): \(flags) of tokenizer_config.json overrule the file's normaliser")
      }
      self = tokenizer
    } else if has("vocab.txt") {
      self = try Tokenizer(vocabulary: "\(folder)/vocab.txt", config)
    } else if has("vocab.json"), has("merges.txt") {
      self = try Tokenizer(vocabulary: "\(folder)/vocab.json", "\(folder)/merges.txt", config)
    } else {
      let others = [
        "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "sentencepiece.model",
      ]
      if let other = others.first(where: has) {
        throw Failure(
          .badData, at: "\(folder)/\(other)", "SentencePiece's own files are not read",
          expected: "tokenizer.json",
          remedy: "open the folder once with transformers and save it: that writes tokenizer.json")
      }
      throw Failure(
        .noInput, at: folder, "there is no tokenizer here",
        expected: "tokenizer.json, vocab.txt, or vocab.json with merges.txt")
    }
  }

  /// BERT's tokeniser from a list of tokens, one a line.
  private init(vocabulary path: String, _ config: TokenizerConfig) throws(Failure) {
    var vocabulary = Vocabulary()
    var lines = try FileSystem.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for (id, line) in lines.enumerated() {
      guard let token = String(validating: line, as: UTF8.self) else {
        throw Failure(.badData, at: "\(path): line \(id + 1)", "this is not UTF-8 text")
      }
      vocabulary.insert(token.unicodeScalars.map(\.value), id: id)
    }
    func special(_ key: String, _ usual: String) throws(Failure) -> (id: Int, token: String) {
      let token = config.token(key) ?? usual
      guard let id = vocabulary.id(of: token) else {
        throw Failure(
          .badData, at: path, "the token '\(token)' is not in the vocabulary",
          expected: "\(key), as BERT has it")
      }
      return (id, token)
    }
    let unknown = try special("unk_token", "[UNK]")
    let (cls, sep) = (try special("cls_token", "[CLS]"), try special("sep_token", "[SEP]"))
    var added: [AddedToken] = []
    for (key, usual) in [
      ("pad_token", "[PAD]"), ("unk_token", "[UNK]"), ("cls_token", "[CLS]"),
      ("sep_token", "[SEP]"), ("mask_token", "[MASK]"),
    ] {
      let content = (config.token(key) ?? usual).unicodeScalars.map(\.value)
      if let id = vocabulary.id(of: content) { added.append(AddedToken(id: id, content: content)) }
    }
    let normalizer = try config.changed(BertNormalizer())?.normalizer ?? BertNormalizer()
    self = try Tokenizer(
      model: WordPieceModel(vocabulary: vocabulary, unknown: unknown.id), normalizer: normalizer,
      preTokenizer: BertPreTokenizer(),
      postProcessor: PostProcessor(frame: [.special(cls.id), .text, .special(sep.id)]),
      addedTokens: added, at: path)
  }

  /// The byte-level tokeniser of older RoBERTa folders.
  private init(
    vocabulary: String, _ merges: String, _ config: TokenizerConfig
  ) throws(Failure) {
    var lines = try FileSystem.readText(merges).split(
      omittingEmptySubsequences: true, whereSeparator: { $0.unicodeScalars.first == "\n" })
    if lines.first?.hasPrefix("#version") == true { lines.removeFirst() }
    let vocab = try JSONNode(try FileSystem.read(vocabulary), at: vocabulary)
    func member(_ key: String, _ value: JSONNode) -> JSONMember {
      JSONMember(key: Array(key.utf8), value: value)
    }
    let model = try BytePairModel(
      try ComponentReader(
        .object([
          member("vocab", vocab),
          member("merges", .list(lines.map { .text(Array($0.utf8)) })),
        ]), at: vocabulary))
    func special(_ key: String, _ usual: String) -> AddedToken? {
      let content = (config.token(key) ?? usual).unicodeScalars.map(\.value)
      return model.vocabulary.id(of: content).map {
        AddedToken(id: $0, content: content, leftStrip: key == "mask_token")
      }
    }
    guard let cls = special("cls_token", "<s>"), let sep = special("sep_token", "</s>") else {
      throw Failure(
        .badData, at: vocabulary, "'<s>' or '</s>' is not in the vocabulary",
        expected: "RoBERTa's special tokens")
    }
    let others = [("pad_token", "<pad>"), ("unk_token", "<unk>"), ("mask_token", "<mask>")]
    let flag = JSONNode.bool(config.flag("add_prefix_space") ?? false)
    let byteLevel = try ComponentReader(
      .object([
        member("type", .text(Array("ByteLevel".utf8))), member("add_prefix_space", flag),
      ]), at: vocabulary)
    self = try Tokenizer(
      model: model, normalizer: nil, preTokenizer: ByteLevelPreTokenizer(byteLevel),
      postProcessor: PostProcessor(
        frame: [.special(cls.id), .text, .special(sep.id)],
        trimmingByteLevel: config.flag("add_prefix_space") ?? false),
      addedTokens: [cls, sep] + others.compactMap { special($0.0, $0.1) }, at: vocabulary)
  }
}

/// What tokenizer_config.json and special_tokens_map.json say.
package struct TokenizerConfig: Sendable {
  private let config, map: JSONNode?
  private let modelType: String?
  private let path: String

  package init(folder: String) throws(Failure) {
    func read(_ name: String) throws(Failure) -> JSONNode? {
      let path = "\(folder)/\(name)"
      return FileSystem.exists(path) ? try JSONNode(try FileSystem.read(path), at: path) : nil
    }
    config = try read("tokenizer_config.json")
    map = try read("special_tokens_map.json")
    modelType = try read("config.json")?["model_type"]?.string
    path = "\(folder)/tokenizer_config.json"
    if let custom = config?["auto_map"] {
      throw Failure(
        .badData, at: path, "the tokenizer is a program of its own (auto_map is \(custom.kind))",
        expected: "one that tokenizer.json describes")
    }
  }

  /// A special token, written as a text or as an object with its content.
  package func token(_ key: String) -> String? {
    for node in [config?[key], map?[key]] {
      if let token = node?.string ?? node?["content"]?.string { return token }
    }
    return nil
  }

  package func flag(_ key: String) -> Bool? { config?[key]?.flag }
  package func number(_ key: String) -> Double? { config?[key]?.number }
  package func string(_ key: String) -> String? { config?[key]?.string }

  /// Whether transformers makes BERT's normaliser out of the flags.
  var isBert: Bool {
    guard let name = config?["tokenizer_class"]?.string else { return modelType == "bert" }
    return ["Bert", "DistilBert", "MPNet", "Electra"].contains { name.hasPrefix($0) }
  }

  /// A normaliser as the flags ask for, and their names; nil where they agree with it.
  func changed(
    _ bert: BertNormalizer
  ) throws(Failure) -> (normalizer: BertNormalizer, flags: String)? {
    var (result, names) = (bert, [String]())
    if let flag = flag("do_lower_case"), flag != bert.lowercases {
      result.lowercases = flag
      names.append("do_lower_case")
    }
    if let flag = flag("tokenize_chinese_chars"), flag != bert.separatesChinese {
      result.separatesChinese = flag
      names.append("tokenize_chinese_chars")
    }
    if let flag = flag("strip_accents"), flag != (bert.stripsAccents ?? bert.lowercases) {
      result.stripsAccents = flag
      names.append("strip_accents")
    }
    return names.isEmpty ? nil : (result, names.joined(separator: ", "))
  }
}
