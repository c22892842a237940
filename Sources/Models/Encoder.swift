import Autodiff
import Settings

/// Layers applied one after another: inputs in, embeddings out.
public struct Encoder: Layer {
  public private(set) var layers: [Named<any Layer>]
  /// The shape of one input item, as in [28, 28, 1].
  public let inputShape: [Int]
  /// The width of an embedding.
  public let embeddingSize: Int

  public init(inputShape: [Int], embeddingSize: Int, layers: [Named<any Layer>]) {
    (self.inputShape, self.embeddingSize, self.layers) = (inputShape, embeddingSize, layers)
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    layers.reduce(input) { input, layer in
      enterStage("layer \(layer.name)")
      return layer.value(input, in: &pass)
    }
  }

  /// The embeddings of a batch, by the statistics gathered in training.
  ///
  /// Images go through the layers in groups of about 16 Ki pixels, so that what a layer makes is
  /// still in the cache for the next.
  public func embed(_ input: Tensor) -> Tensor {
    func embedded(_ group: Tensor) -> Tensor {
      var pass = Pass(isTraining: false)
      return self(group, in: &pass)
    }
    let count = input.shape[0]
    let pixels = inputShape.count == 3 ? inputShape[0] * inputShape[1] : 1
    let grain = max(8, 16_384 / max(1, pixels))
    guard inputShape.count == 3, count > grain else { return embedded(input) }
    return Tensor.concatenated(
      stride(from: 0, to: count, by: grain).map { start in
        embedded(input.rows(at: Array(start..<min(count, start + grain))))
      })
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateLayers { name, layer in
      try layer.updateParameters { try body("\(name).\($0)", &$1) }
    }
  }

  public mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateLayers { name, layer in
      try layer.updateStatistics { try body("\(name).\($0)", &$1) }
    }
  }

  private mutating func updateLayers(
    _ body: (String, inout any Layer) throws -> Void
  ) rethrows {
    for i in layers.indices { try body(layers[i].name, &layers[i].value) }
  }
}
