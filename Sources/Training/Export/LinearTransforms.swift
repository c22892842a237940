import Autodiff
import Index
import Models
import Settings

extension Encoder {
  /// The encoder as transforms that travel inside an index, which then takes flat items.
  ///
  /// - Throws: unless all layers are linear, or bring rows to unit length.
  public func vectorTransforms() throws(Failure) -> [VectorTransform] {
    var transforms: [VectorTransform] = []
    for layer in layers {
      switch layer.value {
      case is Flatten: break
      case let dense as Dense where dense.activation == .none:
        transforms.append(
          .linear(dense.weight, bias: dense.bias.map { $0.elements(as: Float.self) }))
      case let residual as LowRankResidual:
        let width = residual.up.shape[0]
        let identity = Tensor(shape: [width, width], of: Float.self) { y in
          for i in y.indices { y[i] = i / width == i % width ? 1 : 0 }
        }
        transforms.append(.linear(identity + residual.up.times(residual.down), bias: nil))
      case is UnitLength: transforms.append(.unitLength(embeddingSize))
      default:
        throw Failure(
          .badUsage, at: "--adapter: layer '\(layer.name)'", "it is not linear",
          expected: "a run of the model linear or adapter",
          remedy: "export the model with --format onnx and the index without --adapter")
      }
    }
    return transforms
  }
}
