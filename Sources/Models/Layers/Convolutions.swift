import Autodiff

/// What surrounds an image before a kernel goes over it.
public enum Surroundings: Sendable, Equatable {
  /// As many rows and columns of zeros on all sides.
  case zeros(Int)
  /// What TensorFlow calls "same": ⌈length / stride⌉ results, the odd row or column at the end.
  case same

  func padding(_ x: Tensor, kernelHeight: Int, kernelWidth: Int, stride: Int) -> Padding {
    switch self {
    case .zeros(let count): Padding(count)
    case .same:
      .same(
        height: x.shape[1], width: x.shape[2], kernelHeight: kernelHeight,
        kernelWidth: kernelWidth, stride: stride)
    }
  }
}

/// A convolution of images [items, height, width, inputs].
public struct Convolution: Layer {
  /// [outputs, kernel, kernel, inputs].
  public var weight: Tensor
  public var bias: Tensor?
  public let stride: Int
  public let surroundings: Surroundings

  public init(weight: Tensor, bias: Tensor? = nil, stride: Int, surroundings: Surroundings) {
    (self.weight, self.bias, self.stride) = (weight, bias, stride)
    self.surroundings = surroundings
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor { self(input) }

  func callAsFunction(_ input: Tensor) -> Tensor {
    convolution(
      input, weight: weight, bias: bias, stride: stride,
      padding: surroundings.padding(
        input, kernelHeight: weight.shape[1], kernelWidth: weight.shape[2], stride: stride))
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    if var bias {
      try body("bias", &bias)
      self.bias = bias
    }
  }
}

/// A convolution of each channel with a kernel of its own.
public struct DepthwiseConvolution: Layer {
  /// [kernel, kernel, channels].
  public var weight: Tensor
  public var bias: Tensor?
  public let stride: Int
  public let surroundings: Surroundings

  public init(weight: Tensor, bias: Tensor? = nil, stride: Int, surroundings: Surroundings) {
    (self.weight, self.bias, self.stride) = (weight, bias, stride)
    self.surroundings = surroundings
  }

  public func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor { self(input) }

  func callAsFunction(_ input: Tensor) -> Tensor {
    depthwiseConvolution(
      input, weight: weight, bias: bias, stride: stride,
      padding: surroundings.padding(
        input, kernelHeight: weight.shape[0], kernelWidth: weight.shape[1], stride: stride))
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("weight", &weight)
    if var bias {
      try body("bias", &bias)
      self.bias = bias
    }
  }
}

/// A layer that multiplies with a kernel and adds an offset for each output.
protocol KernelLayer: Layer {
  var weight: Tensor { get set }
  var bias: Tensor? { get set }
  /// The kernel with each output's part multiplied by a number; not recorded.
  func weight(times factor: Tensor) -> Tensor
  func callAsFunction(_ input: Tensor) -> Tensor
}

extension Convolution: KernelLayer {
  func weight(times factor: Tensor) -> Tensor {
    let (outputs, patch) = (weight.shape[0], weight.shape.dropFirst().reduce(1, *))
    func run<S: Scalar>(_: S.Type) -> Tensor {
      weight.withElements(of: S.self) { weight in
        factor.withElements(of: S.self) { factor in
          Tensor(shape: self.weight.shape, of: S.self) { result in
            for o in 0..<outputs {
              let number = factor[o]
              for e in o * patch..<(o + 1) * patch { result[e] = weight[e] * number }
            }
          }
        }
      }
    }
    return weight.dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}

extension DepthwiseConvolution: KernelLayer {
  func weight(times factor: Tensor) -> Tensor {
    weight.detached.multiplyingRows(by: factor.detached)
  }
}

/// A convolution without offset and the batch normalisation after it.
struct NormalizedConvolution<Inner: KernelLayer>: Layer {
  var convolution: Inner
  var norm: BatchNorm

  func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor {
    let isRecorded = [input, convolution.weight, norm.weight, norm.bias].contains(
      where: \.isRecorded)
    guard !pass.isTraining, !isRecorded, convolution.bias == nil else {
      return norm(convolution(input, in: &pass), in: &pass)
    }
    // The norm's line is one with the kernel's where nobody asks for a gradient.
    let (factor, offset) = norm.line
    var whole = convolution
    (whole.weight, whole.bias) = (convolution.weight(times: factor), offset)
    return whole(input)
  }

  mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try update("convolution", &convolution, body)
    try update("norm", &norm, body)
  }

  mutating func updateStatistics(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateStatistics("norm", &norm, body)
  }
}

extension Layer {
  /// Names the statistics of a part with the part's own name in front.
  func updateStatistics<Part: Layer>(
    _ name: String, _ part: inout Part, _ body: (String, inout Tensor) throws -> Void
  ) rethrows {
    try part.updateStatistics { try body("\(name).\($0)", &$1) }
  }

  func updateStatistics<Part: Layer>(
    _ name: String, _ part: inout Part?, _ body: (String, inout Tensor) throws -> Void
  ) rethrows {
    guard var inner = part else { return }
    try inner.updateStatistics { try body("\(name).\($0)", &$1) }
    part = inner
  }
}
