import Autodiff

/// A layer of a transformer over texts without padding.
protocol TransformerLayer: Parameterized {
  func callAsFunction(_ x: Tensor, _ batch: TokenBatch, bias: RelativeBias?) -> Tensor
}

/// The smooth functions between the two maps of a feed-forward part.
public enum SmoothFunction: Sendable {
  case gelu, geluByTanh, geluBySigmoid, relu, silu, tanh

  /// By the name that config.json gives it.
  init?(name: String) {
    switch name {
    case "gelu": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluByTanh
    case "quick_gelu": self = .geluBySigmoid
    case "relu": self = .relu
    case "silu", "swish": self = .silu
    case "tanh": self = .tanh
    default: return nil
    }
  }
  static let names = [
    "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "silu", "swish",
    "tanh",
  ]

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .gelu: Autodiff.gelu(x)
    case .geluByTanh: Autodiff.geluByTanh(x)
    case .geluBySigmoid: Autodiff.geluBySigmoid(x)
    case .relu: Autodiff.relu(x)
    case .silu: Autodiff.silu(x)
    case .tanh: Autodiff.tanh(x)
    }
  }
}

/// Normalisation after each sum, as BERT has it.
///
/// a = LN(x + O(attention(Q x, K x, V x))); y = LN(a + W₂ act(W₁ a))
struct PostNormLayer: TransformerLayer {
  var query, key, value, output: LinearMap
  var attentionNorm: LayerNorm
  var expand, contract: LinearMap
  var outputNorm: LayerNorm
  let heads: Int
  let activation: SmoothFunction

  init(_ options: TransformerOptions, dtype: DType) {
    let (width, inner) = (options.width, options.inner)
    func square() -> LinearMap { LinearMap(inputs: width, outputs: width, dtype: dtype) }
    func norm() -> LayerNorm { LayerNorm(width: width, epsilon: options.epsilon, dtype: dtype) }
    (query, key, value, output) = (square(), square(), square(), square())
    (attentionNorm, outputNorm) = (norm(), norm())
    expand = LinearMap(inputs: width, outputs: inner, dtype: dtype)
    contract = LinearMap(inputs: inner, outputs: width, dtype: dtype)
    (heads, activation) = (options.heads, options.activation)
  }

  func callAsFunction(_ x: Tensor, _ batch: TokenBatch, bias: RelativeBias?) -> Tensor {
    let mixed = attention(
      query(x), key(x), value(x), lengths: batch.lengths, heads: heads, bias: bias)
    let a = attentionNorm(x + output(mixed))
    return outputNorm(a + contract(activation(expand(a))))
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("query", &query, body)
    try update("key", &key, body)
    try update("value", &value, body)
    try update("output", &output, body)
    try update("attentionNorm", &attentionNorm, body)
    try update("expand", &expand, body)
    try update("contract", &contract, body)
    try update("outputNorm", &outputNorm, body)
  }
}

/// Normalisation before each part, rotary positions and a gated feed-forward, as ModernBERT has it.
///
/// x ← x + Wo attention(LN x); x ← x + Wo (act(a) ∘ g) with [a, g] = Wi LN(x)
struct PreNormLayer: TransformerLayer {
  var attentionNorm: LayerNorm?
  var input, output: LinearMap
  var feedForwardNorm: LayerNorm
  var expand, contract: LinearMap
  let heads: Int
  let activation: SmoothFunction
  let theta: Double
  /// How far a key may lie from its query; nil for any distance.
  let window: Int?

  init(_ options: TransformerOptions, index: Int, dtype: DType) {
    let (width, inner) = (options.width, options.inner)
    func norm() -> LayerNorm {
      LayerNorm(
        width: width, hasBias: options.normBias, epsilon: options.epsilon, dtype: dtype)
    }
    attentionNorm = index == 0 ? nil : norm()
    feedForwardNorm = norm()
    input = LinearMap(
      inputs: width, outputs: 3 * width, hasBias: options.attentionBias, dtype: dtype)
    output = LinearMap(
      inputs: width, outputs: width, hasBias: options.attentionBias, dtype: dtype)
    expand = LinearMap(
      inputs: width, outputs: 2 * inner, hasBias: options.feedForwardBias, dtype: dtype)
    contract = LinearMap(
      inputs: inner, outputs: width, hasBias: options.feedForwardBias, dtype: dtype)
    (heads, activation) = (options.heads, options.activation)
    let slides = options.slides[index]
    theta = slides ? options.localTheta : options.globalTheta
    window = slides ? options.localAttention / 2 : nil
  }

  func callAsFunction(_ x: Tensor, _ batch: TokenBatch, bias: RelativeBias?) -> Tensor {
    let (width, positions) = (output.weight.shape[0], batch.positions)
    let all = input(attentionNorm.map { $0(x) } ?? x)
    let query = all.columns(in: 0..<width)
    let key = all.columns(in: width..<2 * width)
    let mixed = attention(
      query.rotated(positions: positions, heads: heads, theta: theta),
      key.rotated(positions: positions, heads: heads, theta: theta),
      all.columns(in: 2 * width..<3 * width), lengths: batch.lengths, heads: heads,
      window: window)
    let y = x + output(mixed)
    let both = expand(feedForwardNorm(y))
    let inner = contract.weight.shape[1]
    return y
      + contract(
        activation(both.columns(in: 0..<inner)) * both.columns(in: inner..<2 * inner))
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("attentionNorm", &attentionNorm, body)
    try update("input", &input, body)
    try update("output", &output, body)
    try update("feedForwardNorm", &feedForwardNorm, body)
    try update("expand", &expand, body)
    try update("contract", &contract, body)
  }
}
