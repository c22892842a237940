import Autodiff
import Settings

/// A loss whose similarities are multiplied with a scale that it may learn.
public protocol ScaledLoss: Loss {
  /// The scale, or where it starts.
  var scale: Double { get set }
  var learnsScale: Bool { get set }
  /// The learned scale, of shape [1]; empty before there is one.
  var learnedScale: Tensor { get set }
}

extension ScaledLoss {
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {
    learnedScale = Tensor(repeating: scale, shape: [1], dtype: dtype)
  }

  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {
    if learnsScale, learnedScale.count == 1 { try body("scale", &learnedScale) }
  }

  /// A float64 matrix times the scale.
  func scaled(_ matrix: Tensor) -> Tensor {
    learnsScale && learnedScale.count == 1
      ? matrix.times(scalar: learnedScale.widened()) : matrix.scaled(by: scale)
  }

  static var scaleSettings: [Setting<Self>] {
    [
      Setting("scale", \Self.scale, "what cosines are multiplied with, or where it starts"),
      Setting("learnScale", \Self.learnsScale, "whether the scale is learned"),
    ]
  }
}
