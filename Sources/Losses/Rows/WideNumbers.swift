import Autodiff

extension Tensor {
  /// This tensor in float64, with history; its gradient is rounded to this tensor's own dtype.
  ///
  /// For losses of raw embeddings, whose squares float32 may not hold.
  func widened() -> Tensor {
    let own = dtype
    return own == .float64
      ? self : converted(to: .float64).recorded("widened", edge { $0.saturated(to: own) })
  }

  /// This float64 tensor in another dtype, with history.
  func narrowed(to dtype: DType) -> Tensor {
    self.dtype == dtype
      ? self : saturated(to: dtype).recorded("narrowed", edge { $0.converted(to: .float64) })
  }

  /// Σ x² over all elements.
  var sumOfSquares: Double {
    func run<S: Scalar>(_: S.Type) -> Double {
      withElements(of: S.self) { x in
        x.baseAddress.map { RowKernels<S>().innerProduct($0, $0, x.count) } ?? 0
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// The nearest finite numbers of another dtype, without history.
  private func saturated(to dtype: DType) -> Tensor {
    guard dtype == .float32 else { return converted(to: dtype) }
    let limit = Double(Float.greatestFiniteMagnitude)
    return Tensor(
      elements(as: Double.self).map { Float(min(max($0, -limit), limit)) }, shape: shape)
  }

  /// Every element times the one element of another tensor.
  func times(scalar: Tensor) -> Tensor {
    let (x, factor) = (detached, scalar.item)
    return x.scaled(by: factor).recorded(
      "timesScalar", edge { $0.scaled(by: factor) },
      scalar.edge { [shape = scalar.shape] in ($0 * x).sum().reshaped(to: shape) })
  }
}

extension LossInput {
  /// The same input in float64, with history.
  var widened: LossInput {
    var input = self
    input.embeddings = embeddings.widened()
    if let reference { input.reference?.embeddings = reference.embeddings.widened() }
    return input
  }
}

extension LossInput {
  /// This input, in float64 if its numbers are so large that float32 may not hold their fourth powers.
  var widenedIfLarge: LossInput {
    let squares = embeddings.sumOfSquares + (reference?.embeddings.sumOfSquares ?? 0)
    return squares < 1e14 ? self : widened
  }
}

extension LossOutput {
  /// The same output with its value in another dtype.
  func narrowed(to dtype: DType) -> LossOutput {
    var output = self
    output.value = value.narrowed(to: dtype)
    return output
  }
}
