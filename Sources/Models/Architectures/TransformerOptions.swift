import Settings
import Texts

/// The hyper-parameters of a transformer, as config.json has them.
public struct TransformerOptions: Sendable {
  /// Architectures that differ in their formulas or in their tensors' names.
  public enum Family: String, Sendable {
    case bert, roberta, distilbert, mpnet, modernbert
  }

  public let family: Family
  public let width, layers, heads, inner, vocabulary: Int
  /// Rows of the table of positions; 0 where positions are rotations.
  public let positions: Int
  /// Rows of the table of token types; 0 for none.
  public let types: Int
  public let activation: SmoothFunction
  public let epsilon: Double
  /// The id that positions are counted past; nil where they are 0, 1, 2 …
  public let positionPadding: Int?
  public let relativeBuckets: Int
  public let normBias, attentionBias, feedForwardBias: Bool
  public let localAttention: Int
  public let globalTheta, localTheta: Double
  /// Whether each layer sees near keys only.
  public let slides: [Bool]

  /// How many tokens a text may have, special ones included; nil for any number.
  public var longest: Int? {
    guard positions > 0 else { return nil }
    return positionPadding.map { positions - $0 - 1 } ?? positions
  }

  /// How many parameters the large tensors have, as a number that cannot overflow.
  var parameterCount: Double {
    let perLayer = 4 * Double(width) + (family == .modernbert ? 3 : 2) * Double(inner)
    return (Double(vocabulary) + Double(positions) + Double(types) + Double(layers) * perLayer)
      * Double(width)
  }

  private static let families: [String: Family] = [
    "bert": .bert, "roberta": .roberta, "xlm-roberta": .roberta, "camembert": .roberta,
    "distilbert": .distilbert, "mpnet": .mpnet, "modernbert": .modernbert,
  ]

  /// Reads config.json.
  package init(_ config: JSONNode, at place: String) throws(Failure) {
    let type = config["model_type"]?.string ?? ""
    guard let family = TransformerOptions.families[type] else {
      throw Failure(
        .badData, at: "\(place): model_type", "the architecture '\(type)' is not supported",
        remedy: suggestion(for: type, among: TransformerOptions.families.keys.sorted()))
    }
    self.family = family
    let reader = ConfigReader(config, at: place)
    let isDistil = family == .distilbert
    width = try reader.count(isDistil ? "dim" : "hidden_size")
    layers = try reader.count(isDistil ? "n_layers" : "num_hidden_layers", in: 0...10_000)
    heads = try reader.count(isDistil ? "n_heads" : "num_attention_heads")
    inner = try reader.count(isDistil ? "hidden_dim" : "intermediate_size")
    vocabulary = try reader.count("vocab_size")
    let isModern = family == .modernbert
    positions = isModern ? 0 : try reader.count("max_position_embeddings")
    types =
      family == .bert || family == .roberta
      ? try reader.count("type_vocab_size", default: family == .bert ? 2 : 1) : 0
    let key =
      switch family {
      case .distilbert: "activation"
      case .modernbert: "hidden_activation"
      default: "hidden_act"
      }
    let name = config[key]?.string ?? "gelu"
    guard let activation = SmoothFunction(name: name) else {
      throw Failure(
        .badData, at: "\(place): \(key)", "the activation '\(name)' is not supported",
        remedy: suggestion(for: name, among: SmoothFunction.names))
    }
    self.activation = activation
    epsilon =
      switch family {
      case .distilbert: 1e-12
      case .modernbert: config["norm_eps"]?.number ?? 1e-5
      default: config["layer_norm_eps"]?.number ?? 1e-12
      }
    positionPadding =
      switch family {
      case .roberta: config["pad_token_id"]?.id ?? 1
      case .mpnet: 1
      default: nil
      }
    relativeBuckets =
      family == .mpnet ? try reader.count("relative_attention_num_buckets", default: 32) : 0
    normBias = isModern ? config["norm_bias"]?.flag ?? false : true
    attentionBias = isModern ? config["attention_bias"]?.flag ?? false : true
    feedForwardBias = isModern ? config["mlp_bias"]?.flag ?? false : true
    localAttention = isModern ? try reader.count("local_attention", default: 128) : 0
    let rope = config["rope_parameters"]
    func theta(_ kind: String, _ older: String, _ usual: Double) -> Double {
      rope?[kind]?["rope_theta"]?.number ?? config[older]?.number ?? usual
    }
    globalTheta = theta("full_attention", "global_rope_theta", 160_000)
    localTheta = theta("sliding_attention", "local_rope_theta", 10_000)
    slides = try TransformerOptions.slides(config, layers: layers, isModern: isModern, at: place)
    try check(config, at: place)
  }

  private static func slides(
    _ config: JSONNode, layers: Int, isModern: Bool, at place: String
  ) throws(Failure) -> [Bool] {
    guard isModern else { return Array(repeating: false, count: layers) }
    if let kinds = config["layer_types"]?.list {
      guard kinds.count == layers else {
        throw Failure(
          .badData, at: "\(place): layer_types", "there are \(kinds.count)",
          expected: "one for each of \(layers) layers")
      }
      return kinds.map { $0.string == "sliding_attention" }
    }
    let every = max(1, config["global_attn_every_n_layers"]?.id ?? 3)
    return (0..<layers).map { $0 % every != 0 }
  }

  private func check(_ config: JSONNode, at place: String) throws(Failure) {
    guard width % heads == 0, family != .modernbert || width / heads % 2 == 0 else {
      throw Failure(
        .badData, at: place, "\(heads) heads do not divide a width of \(width)",
        expected: "heads of equal, even width")
    }
    guard epsilon > 0, epsilon < 1, globalTheta > 0, localTheta > 0 else {
      throw Failure(
        .badData, at: place, "the epsilon \(epsilon) or an angle's base is no such number",
        expected: "positive numbers")
    }
    if let padding = positionPadding, positions <= padding + 1 {
      throw Failure(
        .badData, at: place, "\(positions) positions leave none after the padding's \(padding)",
        expected: "more")
    }
    if let kind = config["position_embedding_type"]?.string, kind != "absolute" {
      throw Failure(
        .badData, at: "\(place): position_embedding_type", "'\(kind)' is not supported",
        expected: "absolute")
    }
  }
}

/// Reads whole numbers of config.json.
private struct ConfigReader {
  let config: JSONNode
  let place: String

  init(_ config: JSONNode, at place: String) { (self.config, self.place) = (config, place) }

  func count(
    _ key: String, default fallback: Int? = nil, in range: ClosedRange<Int> = 1...100_000_000
  ) throws(Failure) -> Int {
    if config[key] == nil, let fallback { return fallback }
    guard let count = config[key]?.id, range.contains(count) else {
      throw Failure(
        .badData, at: "\(place): \(key)", "this is \(config[key]?.kind ?? "missing")",
        expected: "a whole number from \(range.lowerBound)")
    }
    return count
  }
}

extension TransformerOptions {
  /// How the family's files call the parameters.
  public var tensorNames: TensorNames {
    let older = [
      TensorNames.Rule(".LayerNorm.weight", ".LayerNorm.gamma"),
      TensorNames.Rule(".LayerNorm.bias", ".LayerNorm.beta"),
    ]
    let embeddings = [
      TensorNames.Rule("embeddings.word", "embeddings.word_embeddings.weight"),
      TensorNames.Rule("embeddings.position", "embeddings.position_embeddings.weight"),
      TensorNames.Rule("embeddings.type", "embeddings.token_type_embeddings.weight"),
      TensorNames.Rule("embeddings.norm.*", "embeddings.LayerNorm.*"),
    ]
    let feedForward = [
      TensorNames.Rule("layers.*.expand.*", "encoder.layer.*.intermediate.dense.*"),
      TensorNames.Rule("layers.*.contract.*", "encoder.layer.*.output.dense.*"),
      TensorNames.Rule("layers.*.outputNorm.*", "encoder.layer.*.output.LayerNorm.*"),
    ]
    switch family {
    case .bert, .roberta:
      return TensorNames(
        rules: embeddings + feedForward + [
          .init("layers.*.query.*", "encoder.layer.*.attention.self.query.*"),
          .init("layers.*.key.*", "encoder.layer.*.attention.self.key.*"),
          .init("layers.*.value.*", "encoder.layer.*.attention.self.value.*"),
          .init("layers.*.output.*", "encoder.layer.*.attention.output.dense.*"),
          .init("layers.*.attentionNorm.*", "encoder.layer.*.attention.output.LayerNorm.*"),
        ], prefixes: ["bert.", "roberta.", "xlm_roberta.", "model."], aliases: older)
    case .mpnet:
      return TensorNames(
        rules: embeddings + feedForward + [
          .init("layers.*.query.*", "encoder.layer.*.attention.attn.q.*"),
          .init("layers.*.key.*", "encoder.layer.*.attention.attn.k.*"),
          .init("layers.*.value.*", "encoder.layer.*.attention.attn.v.*"),
          .init("layers.*.output.*", "encoder.layer.*.attention.attn.o.*"),
          .init("layers.*.attentionNorm.*", "encoder.layer.*.attention.LayerNorm.*"),
          .init("relativeBias", "encoder.relative_attention_bias.weight"),
        ], prefixes: ["mpnet.", "model."], aliases: older)
    case .distilbert:
      return TensorNames(
        rules: embeddings + [
          .init("layers.*.query.*", "transformer.layer.*.attention.q_lin.*"),
          .init("layers.*.key.*", "transformer.layer.*.attention.k_lin.*"),
          .init("layers.*.value.*", "transformer.layer.*.attention.v_lin.*"),
          .init("layers.*.output.*", "transformer.layer.*.attention.out_lin.*"),
          .init("layers.*.attentionNorm.*", "transformer.layer.*.sa_layer_norm.*"),
          .init("layers.*.expand.*", "transformer.layer.*.ffn.lin1.*"),
          .init("layers.*.contract.*", "transformer.layer.*.ffn.lin2.*"),
          .init("layers.*.outputNorm.*", "transformer.layer.*.output_layer_norm.*"),
        ], prefixes: ["distilbert.", "model."], aliases: older)
    case .modernbert:
      return TensorNames(
        rules: [
          .init("embeddings.word", "embeddings.tok_embeddings.weight"),
          .init("embeddings.norm.*", "embeddings.norm.*"),
          .init("layers.*.attentionNorm.*", "layers.*.attn_norm.*"),
          .init("layers.*.input.*", "layers.*.attn.Wqkv.*"),
          .init("layers.*.output.*", "layers.*.attn.Wo.*"),
          .init("layers.*.feedForwardNorm.*", "layers.*.mlp_norm.*"),
          .init("layers.*.expand.*", "layers.*.mlp.Wi.*"),
          .init("layers.*.contract.*", "layers.*.mlp.Wo.*"),
          .init("finalNorm.*", "final_norm.*"),
        ], prefixes: ["model."])
    }
  }
}
