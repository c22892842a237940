import Autodiff
import Files
import Settings
import Texts

/// A text embedding model as its folder describes it: tokeniser, encoder, pooling and what follows.
///
/// Opens folders of sentence-transformers (2 to 6), Hugging Face transformers, model2vec and peft.
public struct TextModel: Parameterized {
  enum Body: Sendable {
    case transformer(Transformer, SentencePooling)
    case table(StaticEmbedding)
  }

  public let tokenizer: Tokenizer
  private(set) var body: Body
  private(set) var modules: [SentenceModule] = []
  /// Where the weights of the encoder, and of each of ``modules``, were read.
  private(set) var weightFolders: (encoder: String, modules: [String]) = ("", [])
  /// How many tokens a text is cut to, special ones included; nil for none.
  public private(set) var longest: Int?
  private var lowercases = false
  private var prompts: [String: String] = [:]
  private var defaultPrompt: String?
  private var truncatedWidth: Int?
  public let dtype: DType
  let folder: String

  /// Whether a path is the folder of a model rather than a run.
  public static func isModel(_ path: String) -> Bool {
    FileSystem.isFolder(path)
      && ["modules.json", "adapter_config.json", "tokenizer.json", "vocab.txt"].contains {
        FileSystem.exists("\(path)/\($0)")
      }
  }

  /// Opens a folder.
  ///
  /// - Parameter say: gets a sentence for everything that is assumed.
  public init(
    folder: String, dtype: DType = .float32, say: (String) -> Void = { _ in }
  ) throws(Failure) {
    try self.init(folder: folder, dtype: dtype, depth: 0, say: say)
  }

  private init(
    folder: String, dtype: DType, depth: Int, say: (String) -> Void
  ) throws(Failure) {
    guard FileSystem.isFolder(folder) else {
      throw Failure(.noInput, at: folder, "there is no such folder", expected: "a model's folder")
    }
    if !FileSystem.exists("\(folder)/modules.json"), LowRankAdapter.isIn(folder) {
      guard depth < 8 else {
        throw Failure(.badData, at: folder, "adapters lie on adapters without end")
      }
      let adapter = try LowRankAdapter(folder: folder)
      self = try TextModel(folder: adapter.base, dtype: dtype, depth: depth + 1, say: say)
      try apply(adapter)
      return
    }
    let parts = try FolderParts(folder, say: say)
    (self.folder, self.dtype) = (folder, dtype)
    var adapter: LowRankAdapter?
    var root = parts.encoder
    if LowRankAdapter.isIn(root), !FileSystem.exists("\(root)/config.json") {
      let found = try LowRankAdapter(folder: root)
      (adapter, root) = (found, found.base)
    }
    let tokens = FileSystem.exists("\(parts.encoder)/tokenizer.json") ? parts.encoder : root
    tokenizer = try Tokenizer(folder: tokens, say: say)
    let config = try TokenizerConfig(folder: tokens)
    let weights = try WeightFile(folder: root)
    weightFolders.encoder = root
    if parts.isTable || StaticEmbedding.isIn(weights) {
      let table = try StaticEmbedding(weights, folder: root, tokenizer, dtype: dtype)
      body = .table(table)
      if table.rules == nil { try addModules(parts.modules, width: table.table.shape[1]) }
    } else {
      let path = "\(root)/config.json"
      let options = try TransformerOptions(
        try JSONNode(try FileSystem.read(path), at: path), at: path)
      guard options.parameterCount <= Double(weights.elementCount) else {
        throw Failure(
          .badData, at: weights.place, "the tensors have \(weights.elementCount) numbers",
          expected: "the \(Int(min(options.parameterCount, 1e15))) that \(path) asks for",
          remedy: "the weights are incomplete or of another architecture")
      }
      var transformer = Transformer(options, dtype: dtype)
      _ = try options.tensorNames.fill(&transformer, from: weights)
      guard tokenizer.largestId < options.vocabulary else {
        throw tooLarge(tokenizer.largestId, options.vocabulary, weights.place)
      }
      body = .transformer(transformer, parts.pooling)
      try setLength(parts.encoder, config, options)
      try addModules(parts.modules, width: options.width * parts.pooling.modes.count)
    }
    try readSettings()
    if let adapter { try apply(adapter) }
  }

  private mutating func apply(_ adapter: LowRankAdapter) throws(Failure) {
    guard case .transformer(var transformer, let pooling) = body else {
      throw Failure(.badData, at: folder, "an adapter lies on a table of embeddings")
    }
    try adapter.apply(to: &transformer, transformer.options.tensorNames)
    body = .transformer(transformer, pooling)
  }

  /// - Parameter width: how long the vectors are that the first of them gets.
  private mutating func addModules(
    _ parts: [(kind: String, folder: String)], width: Int
  ) throws(Failure) {
    var width = width
    for part in parts {
      weightFolders.modules.append(part.folder)
      guard part.kind == "Dense" else {
        modules.append(.normalize)
        continue
      }
      let dense = try SentenceDense(folder: part.folder, dtype: dtype)
      guard dense.inputs == width else {
        throw Failure(
          .badData, at: part.folder, "it takes vectors of \(dense.inputs) numbers",
          expected: "\(width), as the module before gives")
      }
      width = dense.outputs
      modules.append(.dense(dense))
    }
  }

  /// The length to cut to: max_seq_length, else model_max_length, and no more than the positions.
  private mutating func setLength(
    _ encoder: String, _ config: TokenizerConfig, _ options: TransformerOptions
  ) throws(Failure) {
    let path = "\(encoder)/sentence_bert_config.json"
    let settings =
      FileSystem.exists(path) ? try JSONNode(try FileSystem.read(path), at: path) : .null
    lowercases = settings["do_lower_case"]?.flag ?? false
    var length = settings["max_seq_length"]?.number ?? config.number("model_max_length")
    if let given = length, given > 1e9 { length = nil }
    let most = [length.map { Int($0) }, options.longest].compactMap(\.self).min()
    if let most, most < tokenizer.specialCount + 1 {
      throw Failure(
        .badData, at: path, "texts are cut to \(most) tokens",
        expected: "more than the \(tokenizer.specialCount) special ones")
    }
    longest = most
  }

  private mutating func readSettings() throws(Failure) {
    let path = "\(folder)/config_sentence_transformers.json"
    guard FileSystem.exists(path) else { return }
    let settings = try JSONNode(try FileSystem.read(path), at: path)
    for member in settings["prompts"]?.members ?? [] {
      guard let text = member.value.string else { continue }
      prompts[String(decoding: member.key, as: UTF8.self)] = text
    }
    defaultPrompt = settings["default_prompt_name"]?.string
    truncatedWidth = settings["truncate_dim"]?.id
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    switch self.body {
    case .transformer(var transformer, let pooling):
      try update("0.model", &transformer, body)
      self.body = .transformer(transformer, pooling)
    case .table(var table):
      try update("0", &table, body)
      self.body = .table(table)
    }
    let first = if case .table = self.body { 1 } else { 2 }
    for i in modules.indices { try update("\(i + first)", &modules[i], body) }
  }

  /// How many numbers a vector has in training, before the folder's `truncate_dim`.
  public var width: Int {
    for case .dense(let dense) in modules.reversed() { return dense.outputs }
    return switch body {
    case .table(let table): table.table.shape[1]
    case .transformer(let transformer, let pooling):
      transformer.options.width * pooling.modes.count
    }
  }

  /// The name that the folder's files, and torch, have for a parameter.
  public func savedName(of parameter: String) -> String {
    let start = "0.model."
    guard case .transformer(let transformer, _) = body, parameter.hasPrefix(start) else {
      return parameter
    }
    return start
      + transformer.options.tensorNames.name(of: String(parameter.dropFirst(start.count)))
  }
}

// MARK: - Embedding

extension TextModel {
  /// The text of a prompt by its name; nil for the model's default.
  ///
  /// `query` and `document` are always known; `document` may be called passage or corpus.
  public func prompt(_ name: String?) throws(Failure) -> String {
    guard let name else { return defaultPrompt.flatMap { prompts[$0] } ?? "" }
    let names = name == "document" ? ["document", "passage", "corpus"] : [name]
    for name in names { if let text = prompts[name] { return text } }
    guard name == "query" || name == "document" else {
      throw Failure(
        .badUsage, at: "--prompt", "the model has no prompt '\(name)'",
        remedy: suggestion(
          for: name, among: Set(prompts.keys).union(["query", "document"]).sorted()))
    }
    return ""
  }

  /// The ids of texts, with the prompt in front, cut to the model's length.
  ///
  /// - Returns: the ids, and how many texts were cut.
  public func tokens(_ texts: [String], prompt: String = "") throws(Failure) -> (
    ids: [[Int]], cut: Int
  ) {
    var (session, ids, cut) = (Tokenizer.Session(), [[Int]](), 0)
    ids.reserveCapacity(texts.count)
    for text in texts {
      let whole = lowercases ? (prompt + text).lowercased() : prompt + text
      if case .table(let table) = body {
        ids.append(try table.ids(whole, tokenizer, in: &session))
        continue
      }
      var found = try tokenizer.encode(whole, in: &session).ids
      if found.isEmpty, case .transformer(_, let pooling) = body, !pooling.takesEmptyTexts {
        throw Failure(
          .badData, at: "text \(ids.count + 1)", "it has no tokens, not even special ones",
          expected: "at least one token to take")
      }
      if let longest, found.count > longest {
        cut += 1
        found = try tokenizer.encode(whole, in: &session, most: longest).ids
      }
      ids.append(found.map { Int($0) })
    }
    return (ids, cut)
  }

  /// How many tokens of each text are the prompt's and do not count.
  package func skipped(_ prompt: String) throws(Failure) -> Int {
    guard case .transformer(_, let pooling) = body, !pooling.includesPrompt, !prompt.isEmpty
    else { return 0 }
    let ids = try tokenizer.encode(lowercases ? prompt.lowercased() : prompt).ids
    guard let last = ids.last else { return 0 }
    return ids.count - (tokenizer.specialIDs.contains(Int(last)) ? 1 : 0)
  }

  /// One vector a text, in one batch, recorded for gradients.
  ///
  /// At full width, as the library trains: only `embed` cuts to the folder's `truncate_dim`.
  public func callAsFunction(_ batch: TokenBatch, skipped: Int = 0) -> Tensor {
    var x =
      switch body {
      case .table(let table): table(batch)
      case .transformer(let transformer, let pooling):
        pooling(transformer(batch), batch, skipped: skipped)
      }
    for module in modules { x = module(x) }
    return x
  }

  /// The first numbers of each vector, as many as the folder's `truncate_dim` says.
  private func truncated(_ x: Tensor) -> Tensor {
    guard let width = truncatedWidth, width > 0, width < x.shape[1] else { return x }
    return x.columns(in: 0..<width)
  }

  /// The hidden state of each token of a batch; nil for a table.
  package func hidden(_ batch: TokenBatch) -> Tensor? {
    guard case .transformer(let transformer, _) = body else { return nil }
    return transformer(batch)
  }

  /// Tokens that go through the encoder together.
  private static let batchTokens = 2048

  /// The embeddings of texts, in their order: [texts, width].
  ///
  /// Texts go through by length, so that those of a batch are alike; they are not padded.
  /// - Parameter progress: gets how many are done.
  public func embed(
    _ texts: [String], prompt: String = "", progress: (_ done: Int) -> Void = { _ in }
  ) throws(Failure) -> (embeddings: Tensor, cut: Int) {
    let (ids, cut) = try tokens(texts, prompt: prompt)
    let skipped = try skipped(prompt)
    let order = ids.indices.sorted { (ids[$0].count, $0) < (ids[$1].count, $1) }
    var (parts, start) = ([Tensor](), 0)
    while start < order.count {
      var (end, count) = (start, 0)
      repeat {
        count += ids[order[end]].count
        end += 1
      } while end < order.count && count + ids[order[end]].count <= TextModel.batchTokens
      let batch = TokenBatch(order[start..<end].map { ids[$0] })
      parts.append(truncated(self(batch, skipped: skipped)))
      start = end
      progress(end)
    }
    guard !parts.isEmpty else {
      throw Failure(.badData, at: "texts", "there are none", expected: "at least one text")
    }
    var place = [Int](repeating: 0, count: order.count)
    for (k, i) in order.enumerated() { place[i] = k }
    return (Tensor.concatenated(parts).rows(at: place), cut)
  }
}
