import Autodiff
import Foundation

/// A transformer encoder over texts: ids in, a vector for each token out.
///
/// Parameters are zeros until weights are read into it.
public struct Transformer: Parameterized {
  public let options: TransformerOptions
  /// [vocabulary, width].
  var word: Tensor
  /// [positions, width]; nil where positions are rotations.
  var position: Tensor?
  /// [types, width].
  var type: Tensor?
  var embeddingNorm: LayerNorm
  private var layers: [any TransformerLayer]
  /// [buckets, heads], shared by all layers.
  var relativeBias: Tensor?
  var finalNorm: LayerNorm?

  public init(_ options: TransformerOptions, dtype: DType) {
    self.options = options
    let width = options.width
    func table(_ rows: Int) -> Tensor? {
      rows > 0 ? Tensor(zeros: [rows, width], dtype: dtype) : nil
    }
    word = Tensor(zeros: [options.vocabulary, width], dtype: dtype)
    (position, type) = (table(options.positions), table(options.types))
    embeddingNorm = LayerNorm(
      width: width, hasBias: options.normBias, epsilon: options.epsilon, dtype: dtype)
    let isPreNorm = options.family == .modernbert
    layers = (0..<options.layers).map { i -> any TransformerLayer in
      if isPreNorm { return PreNormLayer(options, index: i, dtype: dtype) }
      return PostNormLayer(options, dtype: dtype)
    }
    relativeBias =
      options.relativeBuckets > 0
      ? Tensor(zeros: [options.relativeBuckets, options.heads], dtype: dtype) : nil
    finalNorm =
      isPreNorm
      ? LayerNorm(
        width: width, hasBias: options.normBias, epsilon: options.epsilon, dtype: dtype) : nil
  }

  /// The hidden state of each token: [tokens, width].
  ///
  /// Ids must lie within the vocabulary, and texts within ``TransformerOptions/longest``.
  public func callAsFunction(_ batch: TokenBatch) -> Tensor {
    var x = word.rows(at: batch.ids)
    if let position { x = x + position.rows(at: positions(of: batch)) }
    if let type { x = x + type.rows(at: Array(repeating: 0, count: batch.ids.count)) }
    x = embeddingNorm(x)
    let bias = relativeBias.map { table in
      RelativeBias(table: table) { [count = options.relativeBuckets] distance in
        relativeBucket(distance, of: count)
      }
    }
    for layer in layers { x = layer(x, batch, bias: bias) }
    return finalNorm.map { $0(x) } ?? x
  }

  /// Rows of the table of positions: 0, 1, 2 …, or counted from padding + 1 without the padding.
  private func positions(of batch: TokenBatch) -> [Int] {
    guard let padding = options.positionPadding else { return batch.positions }
    return batch.ranges.flatMap { range in
      var count = 0
      return range.map { i in
        guard batch.ids[i] != padding else { return padding }
        count += 1
        return padding + count
      }
    }
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("embeddings.word", &word)
    try update("embeddings.position", &position, body)
    try update("embeddings.type", &type, body)
    try update("embeddings.norm", &embeddingNorm, body)
    for i in layers.indices {
      try layers[i].updateParameters { try body("layers.\(i).\($0)", &$1) }
    }
    try update("relativeBias", &relativeBias, body)
    try update("finalNorm", &finalNorm, body)
  }
}

/// The bucket of a distance (key − query): half of them for each direction, half of those exact,
/// the rest by its logarithm up to 128.
///
/// - Reference: Raffel et al., *Exploring the Limits of Transfer Learning* (2020); MPNet's code,
///   which takes the logarithm in single precision.
func relativeBucket(_ distance: Int, of count: Int) -> Int {
  let half = count / 2
  let exact = half / 2
  let direction = distance > 0 ? half : 0
  let far = Swift.abs(distance)
  guard far >= exact else { return direction + far }
  let ratio = logf(Float(far) / Float(exact)) / Float(Foundation.log(128 / Double(exact)))
  return direction + min(half - 1, exact + Int(ratio * Float(half - exact)))
}
