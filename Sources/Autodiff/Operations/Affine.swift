/// What follows a layer's sum.
public enum Activation: Sendable {
  case none
  /// max(x, 0), with gradient 0 at 0.
  case relu
}

/// activation(x Wᵀ + b), as one operation.
///
/// - Parameters:
///   - x: [..., inputs].
///   - weight: [outputs, inputs].
///   - bias: [outputs].
/// - Returns: [..., outputs].
public func affine(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, activation: Activation = .none
) -> Tensor {
  precondition(
    weight.shape.count == 2 && !x.shape.isEmpty && x.columns == weight.shape[1]
      && bias.map { $0.shape == [weight.shape[0]] && $0.dtype == x.dtype } ?? true
      && x.dtype == weight.dtype,
    "affine: \(x.shape) \(x.dtype), weight \(weight.shape) \(weight.dtype) and bias "
      + "\(bias.map { "\($0.shape) \($0.dtype)" } ?? "none") do not fit")
  let (outputs, inputs) = (weight.shape[0], weight.shape[1])
  let (rows, shape) = (x.rowCount, x.shape)
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: shape.dropLast() + [outputs], of: S.self) { y in
      x.withElements(of: S.self) { x in
        weight.withElements(of: S.self) { weight in
          guard let y = y.baseAddress, let x = x.baseAddress, let weight = weight.baseAddress
          else { return }
          S.affine(
            y, x, weight, bias: bias, activation, rows: rows, outputs: outputs, inputs: inputs)
        }
      }
    }
  }
  let y = x.dtype == .float32 ? run(Float.self) : run(Double.self)
  // The derivative before the activation, as a matrix.
  let before = SharedPullback { cotangent in
    let g = activation == .relu ? cotangent.combined(.reluGradient, y) : cotangent
    return g.reshaped(to: [rows, outputs])
  }
  let (input, matrix) = (x.detached.reshaped(to: [rows, inputs]), weight.detached)
  return y.recorded(
    "affine",
    x.edge { before($0).times(matrix).reshaped(to: shape) },
    weight.edge { before($0).times(input, transposingSelf: true) },
    bias?.edge { before($0).sumOverRows() })
}
