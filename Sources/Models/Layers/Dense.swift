import Autodiff
import Settings

/// activation(x Wᵀ + b), with W of shape [outputs, inputs] and b of shape [outputs].
public struct Dense: Layer {
  public var weight: Tensor
  public var bias: Tensor?
  public let activation: Activation

  /// Draws W and b uniformly from ±1/√inputs, as PyTorch's `Linear` does.
  public init(
    inputs: Int, outputs: Int, hasBias: Bool = true, activation: Activation = .none,
    random: inout Random
  ) {
    let bound = 1 / Double(max(1, inputs)).squareRoot()
    weight = Tensor(uniform: [outputs, inputs], bound: bound, dtype: .float32, random: &random)
    bias =
      hasBias
      ? Tensor(uniform: [outputs], bound: bound, dtype: .float32, random: &random) : nil
    self.activation = activation
  }

  /// Refuses weights that no memory holds: with their gradient and two moments, 16 bytes each.
  static func checkSize(inputs: Int, outputs: Int, at place: String) throws(Failure) {
    try MemoryBudget.check([inputs, outputs], bytesEach: 16, for: "a layer's weights", at: place)
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    affine(input, weight: weight, bias: bias, activation: activation)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    if var bias {
      try body("bias", &bias)
      self.bias = bias
    }
  }
}
