import Autodiff

/// x + (x Dᵀ) Uᵀ, with D of shape [rank, width] and U of shape [width, rank].
///
/// U starts at 0, so the layer starts as the identity.
/// - Reference: after Houlsby et al., *Parameter-Efficient Transfer Learning for NLP* (2019), and
///   Hu et al., *LoRA* (2021); without a non-linearity.
public struct LowRankResidual: Layer {
  public var down, up: Tensor

  public init(width: Int, rank: Int, random: inout Random) {
    let bound = 1 / Double(max(1, width)).squareRoot()
    down = Tensor(uniform: [rank, width], bound: bound, dtype: .float32, random: &random)
    up = Tensor(zeros: [width, rank], dtype: .float32)
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    input + input.timesTransposed(down).timesTransposed(up)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("down", &down)
    try body("up", &up)
  }
}
