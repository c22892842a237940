/// The convolution of images with an odd kernel: stride 1, and zeros around the images so that
/// height and width stay.
///
/// y[n, i, j, o] = b[o] + Σ x[n, i + u - h/2, j + v - w/2, c] weight[o, u, v, c]
/// - Parameters:
///   - x: [images, height, width, channels].
///   - weight: [outputs, kernel height, kernel width, channels].
///   - bias: [outputs].
/// - Returns: [images, height, width, outputs].
public func convolution(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
  let s = ConvolutionShape(x, weight: weight, bias: bias)
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: x.shape.dropLast() + [s.outputs], of: S.self) { y in
      x.withElements(of: S.self) { x in
        weight.withElements(of: S.self) { weight in
          guard let y = y.baseAddress, let x = x.baseAddress, let weight = weight.baseAddress
          else { return }
          S.convolution(y, x, weight, bias: bias, s)
        }
      }
    }
  }
  let y = x.dtype == .float32 ? run(Float.self) : run(Double.self)
  let (input, kernel) = (x.detached, weight.detached)
  return y.recorded(
    "convolution",
    x.edge { convolutionInputGradient($0, kernel, s) },
    weight.edge { convolutionWeightGradient(input, $0, s, shape: kernel.shape) },
    bias?.edge { $0.reshaped(to: [s.positions, s.outputs]).sumOverRows() })
}

extension ConvolutionShape {
  init(_ x: Tensor, weight: Tensor, bias: Tensor?) {
    precondition(
      x.shape.count == 4 && weight.shape.count == 4 && x.shape[3] == weight.shape[3]
        && weight.shape[1] % 2 == 1 && weight.shape[2] % 2 == 1
        && bias.map { $0.shape == [weight.shape[0]] && $0.dtype == x.dtype } ?? true
        && x.dtype == weight.dtype,
      "convolution: \(x.shape) \(x.dtype), weight \(weight.shape) \(weight.dtype) and bias "
        + "\(bias.map { "\($0.shape) \($0.dtype)" } ?? "none") do not fit")
    self.init(
      images: x.shape[0], height: x.shape[1], width: x.shape[2], channels: x.shape[3],
      outputs: weight.shape[0], kernelHeight: weight.shape[1], kernelWidth: weight.shape[2])
  }
}

private func convolutionInputGradient(
  _ cotangent: Tensor, _ weight: Tensor, _ s: ConvolutionShape
) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: [s.images, s.height, s.width, s.channels], of: S.self) { x in
      cotangent.withElements(of: S.self) { g in
        weight.withElements(of: S.self) { weight in
          guard let x = x.baseAddress, let g = g.baseAddress, let weight = weight.baseAddress
          else { return }
          S.convolutionInputGradient(x, g, weight, s)
        }
      }
    }
  }
  return cotangent.dtype == .float32 ? run(Float.self) : run(Double.self)
}

private func convolutionWeightGradient(
  _ input: Tensor, _ cotangent: Tensor, _ s: ConvolutionShape, shape: [Int]
) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: shape, of: S.self) { weight in
      input.withElements(of: S.self) { x in
        cotangent.withElements(of: S.self) { g in
          guard let weight = weight.baseAddress, let x = x.baseAddress, let g = g.baseAddress
          else { return }
          S.convolutionWeightGradient(weight, x, g, s)
        }
      }
    }
  }
  return cotangent.dtype == .float32 ? run(Float.self) : run(Double.self)
}
