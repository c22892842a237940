import Autodiff

/// Every item as one row: [items, ...] to [items, width].
public struct Flatten: Layer {
  public init() {}

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    guard input.shape.count != 2 else { return input }
    return input.reshaped(to: [input.shape[0], input.shape.dropFirst().reduce(1, *)])
  }
}

/// Every row divided by its length: x / max(‖x‖₂, 1e-12).
public struct UnitLength: Layer {
  public init() {}

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    input.normalizedRows()
  }
}
