import Autodiff

/// Layer normalisation with its scale, and perhaps a shift.
public struct LayerNorm: Parameterized {
  public var weight: Tensor
  public var bias: Tensor?
  public let epsilon: Double

  public init(width: Int, hasBias: Bool = true, epsilon: Double, dtype: DType) {
    weight = Tensor(repeating: 1, shape: [width], dtype: dtype)
    bias = hasBias ? Tensor(zeros: [width], dtype: dtype) : nil
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNormalization(x, scale: weight, shift: bias, epsilon: epsilon)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    if var bias {
      try body("bias", &bias)
      self.bias = bias
    }
  }
}
