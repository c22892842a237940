import Autodiff
import Settings

/// A transformer over the patches of an image; its features are the class token after the last
/// normalisation, projected if CLIP's.
///
/// Images may have any size: positions are resampled, and what is left of a patch at the right and
/// below is dropped.
/// - Reference: Dosovitskiy et al., *An Image is Worth 16x16 Words* (2021); Oquab et al., *DINOv2*
///   (2023); Darcet et al., *Vision Transformers Need Registers* (2023); Radford et al., *Learning
///   Transferable Visual Models From Natural Language Supervision* (2021).
public struct VisionTransformer: ImageEncoder {
  public let shape: VisionTransformerShape
  private var patch: Convolution
  /// [1, width].
  private var classToken: Tensor
  /// [registers, width].
  private var registers: Tensor?
  /// [places, width].
  private var positions: Tensor
  private var firstNorm: LayerNorm?
  private var layers: [VisionTransformerLayer]
  private var norm: LayerNorm
  private var projection: LinearMap?

  public init(_ shape: VisionTransformerShape, _ maker: inout PartMaker) throws(Failure) {
    self.shape = shape
    let width = shape.width
    patch = try maker.convolution(
      inputs: shape.channels, outputs: width, kernel: shape.patch, stride: shape.patch, .zeros(0),
      hasBias: shape.patchBias)
    classToken = try maker.normal([1, width], deviation: 1e-6)
    registers =
      shape.registers > 0 ? try maker.normal([shape.registers, width], deviation: 1e-6) : nil
    let places = shape.positions.side * shape.positions.side
    positions = try maker.normal(
      [places + (shape.positions.hasClass ? 1 : 0), width], deviation: 0.02)
    firstNorm =
      shape.normsFirst ? try maker.layerNorm(width: width, epsilon: shape.epsilon) : nil
    layers = []
    for _ in 0..<shape.depth { layers.append(try VisionTransformerLayer(shape, &maker)) }
    norm = try maker.layerNorm(width: width, epsilon: shape.epsilon)
    if let outputs = shape.projection {
      projection = try maker.linear(inputs: width, outputs: outputs, hasBias: false)
    }
  }

  public var channels: Int { shape.channels }
  public var featureCount: Int { shape.projection ?? shape.width }
  public var smallestSide: Int { shape.patch }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    let (hidden, length) = self.hidden(input)
    let first = norm(hidden.rows(at: (0..<input.shape[0]).map { $0 * length }))
    return projection.map { $0(first) } ?? first
  }

  /// The state of each token after the last layer, [items · tokens, width], and the tokens of an item:
  /// the class token, the registers, the patches by rows.
  func hidden(_ input: Tensor) -> (tokens: Tensor, length: Int) {
    let map = patch(input)
    let (items, rows, columns) = (map.shape[0], map.shape[1], map.shape[2])
    let (patches, length) = (rows * columns, rows * columns + shape.prefix)
    let places = self.places(rows: rows, columns: columns)
    // The rows that every image has in front, then the patches of all images.
    var front = classToken
    if shape.positions.hasClass { front = front + places.rows(at: [0]) }
    if let registers { front = Tensor.concatenated([front, registers]) }
    let start = shape.positions.hasClass ? 1 : 0
    let own = shape.positions.hasClass ? places.rows(at: Array(start..<start + patches)) : places
    let width = shape.width
    let placed = map.reshaped(to: [items, patches * width])
      .addingToRows(own.reshaped(to: [patches * width]))
      .reshaped(to: [items * patches, width])
    var order: [Int] = []
    order.reserveCapacity(items * length)
    for item in 0..<items {
      order += 0..<shape.prefix
      order += shape.prefix + item * patches..<shape.prefix + (item + 1) * patches
    }
    var x = Tensor.concatenated([front, placed]).rows(at: order)
    if let firstNorm { x = firstNorm(x) }
    let lengths = [Int](repeating: length, count: items)
    for layer in layers { x = layer(x, lengths: lengths) }
    return (x, length)
  }

  /// The state of each token as the libraries give it: normalised but for CLIP's.
  public func tokens(_ input: Tensor) -> Tensor {
    let (tokens, length) = hidden(input)
    return (shape.normsFirst ? tokens : norm(tokens))
      .reshaped(to: [input.shape[0], length, shape.width])
  }

  /// The table of positions for a grid of patches.
  private func places(rows: Int, columns: Int) -> Tensor {
    let side = shape.positions.side
    guard rows != side || columns != side else { return positions }
    let resampling = GridResampling(
      side: side, rows: rows, columns: columns, kept: shape.positions.hasClass ? 1 : 0,
      isAntialiased: shape.positions.isAntialiased)
    return resampling(positions)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("patch", &patch, body)
    try body("classToken", &classToken)
    try update("registers", &registers, body)
    try body("positions", &positions)
    try update("firstNorm", &firstNorm, body)
    for i in layers.indices { try update("layers.\(i)", &layers[i], body) }
    try update("norm", &norm, body)
    try update("projection", &projection, body)
  }
}

/// x ← x + γ₁ O(attention(LN x)); x ← x + γ₂ W₂ act(W₁ LN(x)).
private struct VisionTransformerLayer: Parameterized {
  private var attentionNorm, feedForwardNorm: LayerNorm
  /// Query, key and value below each other, or each by itself.
  private var input: LinearMap?
  private var query, key, value: LinearMap?
  private var output, expand, contract: LinearMap
  private var attentionScale, feedForwardScale: Tensor?
  private let heads: Int
  private let activation: SmoothFunction

  init(_ shape: VisionTransformerShape, _ maker: inout PartMaker) throws(Failure) {
    let (width, hasBias) = (shape.width, shape.attentionBias)
    attentionNorm = try maker.layerNorm(width: width, epsilon: shape.epsilon)
    feedForwardNorm = try maker.layerNorm(width: width, epsilon: shape.epsilon)
    if shape.isJoined {
      input = try maker.linear(inputs: width, outputs: 3 * width, hasBias: hasBias)
    } else {
      query = try maker.linear(inputs: width, outputs: width, hasBias: hasBias)
      key = try maker.linear(inputs: width, outputs: width, hasBias: hasBias)
      value = try maker.linear(inputs: width, outputs: width, hasBias: hasBias)
    }
    output = try maker.linear(inputs: width, outputs: width)
    expand = try maker.linear(inputs: width, outputs: shape.inner)
    contract = try maker.linear(inputs: shape.inner, outputs: width)
    if shape.scalesLayers {
      attentionScale = try maker.constant(1, [width])
      feedForwardScale = try maker.constant(1, [width])
    }
    (heads, activation) = (shape.heads, shape.activation)
  }

  func callAsFunction(_ x: Tensor, lengths: [Int]) -> Tensor {
    let normed = attentionNorm(x)
    let parts: [Tensor]
    if let input {
      let (all, width) = (input(normed), output.weight.shape[0])
      parts = (0..<3).map { all.columns(in: $0 * width..<($0 + 1) * width) }
    } else {
      parts = [query, key, value].compactMap { $0?(normed) }
    }
    let mixed = output(
      attention(parts[0], parts[1], parts[2], lengths: lengths, heads: heads))
    let y = x + (attentionScale.map { mixed.multiplyingRows(by: $0) } ?? mixed)
    let fed = contract(activation(expand(feedForwardNorm(y))))
    return y + (feedForwardScale.map { fed.multiplyingRows(by: $0) } ?? fed)
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("attentionNorm", &attentionNorm, body)
    try update("input", &input, body)
    try update("query", &query, body)
    try update("key", &key, body)
    try update("value", &value, body)
    try update("output", &output, body)
    try update("attentionScale", &attentionScale, body)
    try update("feedForwardNorm", &feedForwardNorm, body)
    try update("expand", &expand, body)
    try update("contract", &contract, body)
    try update("feedForwardScale", &feedForwardScale, body)
  }
}
