import Autodiff

/// x Wᵀ + b for tokens, made to be filled with weights from a file.
public struct LinearMap: Parameterized {
  public var weight: Tensor
  public var bias: Tensor?

  public init(inputs: Int, outputs: Int, hasBias: Bool = true, dtype: DType) {
    weight = Tensor(zeros: [outputs, inputs], dtype: dtype)
    bias = hasBias ? Tensor(zeros: [outputs], dtype: dtype) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { affine(x, weight: weight, bias: bias) }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    if var bias {
      try body("bias", &bias)
      self.bias = bias
    }
  }
}

extension Parameterized {
  /// Names the parameters of a part with the part's own name in front.
  func update<Part: Parameterized>(
    _ name: String, _ part: inout Part, _ body: (String, inout Tensor) throws -> Void
  ) rethrows {
    try part.updateParameters { try body($0.isEmpty ? name : "\(name).\($0)", &$1) }
  }

  func update<Part: Parameterized>(
    _ name: String, _ part: inout Part?, _ body: (String, inout Tensor) throws -> Void
  ) rethrows {
    guard var inner = part else { return }
    try inner.updateParameters { try body($0.isEmpty ? name : "\(name).\($0)", &$1) }
    part = inner
  }
}
