extension Tensor {
  /// The sum of all elements, of shape [].
  public func sum() -> Tensor {
    let total: Tensor =
      switch dtype {
      case .float32:
        Tensor(withElements(of: Float.self) { $0.reduce(0) { $0 + Double($1) } }, dtype: dtype)
      case .float64: Tensor(withElements(of: Double.self) { $0.reduce(0, +) }, dtype: dtype)
      }
    return total.recorded(
      "sum", edge { [shape] in Tensor(repeating: $0.item, shape: shape, dtype: $0.dtype) })
  }

  /// The mean of all elements, of shape []; 0 for an empty tensor.
  public func mean() -> Tensor { sum().scaled(by: 1 / Double(max(1, count))) }
}
