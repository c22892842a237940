extension Tensor {
  /// The sum of all elements, of shape [].
  public func sum() -> Tensor {
    let total =
      dtype == .float32
      ? withElements(of: Float.self) { Float.sum($0) }
      : withElements(of: Double.self) { Double.sum($0) }
    return Tensor(total, dtype: dtype).recorded(
      "sum", edge { [shape] in Tensor(repeating: $0.item, shape: shape, dtype: $0.dtype) })
  }

  /// The mean of all elements, of shape []; 0 for an empty tensor.
  public func mean() -> Tensor { sum().scaled(by: 1 / Double(max(1, count))) }
}
