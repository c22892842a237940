// The kernels of each operation, over whole tensors.

extension Scalar {
  static func map(
    _ operation: UnaryOperation, _ y: UnsafeMutableBufferPointer<Self>,
    _ x: UnsafeBufferPointer<Self>, _ number: Self
  ) {
    for i in x.indices { y[i] = Reference.value(operation, x[i], number) }
  }

  static func combine(
    _ operation: BinaryOperation, _ y: UnsafeMutableBufferPointer<Self>,
    _ a: UnsafeBufferPointer<Self>, _ b: UnsafeBufferPointer<Self>
  ) {
    for i in a.indices { y[i] = Reference.value(operation, a[i], b[i]) }
  }

  /// y[i] = e^x[i] for i in 0..<count.
  public static func exp(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ count: Int
  ) {
    for i in 0..<count { y[i] = exp(x[i]) }
  }

  /// y[i] = log x[i] for i in 0..<count.
  public static func log(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ count: Int
  ) {
    for i in 0..<count { y[i] = log(x[i]) }
  }

  static func sumOverRows(
    _ y: UnsafeMutableBufferPointer<Self>, _ x: UnsafeBufferPointer<Self>, rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress, let x = x.baseAddress else { return }
    Reference.sumOverRows(y, x, rows: rows, columns: columns)
  }

  static func normalizeRows(
    _ y: UnsafeMutableBufferPointer<Self>, _ length: UnsafeMutableBufferPointer<Self>,
    _ x: UnsafeBufferPointer<Self>, rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress, let length = length.baseAddress, let x = x.baseAddress
    else { return }
    Reference.normalizeRows(y, length, x, rows: rows, columns: columns)
  }

  static func normalizeRowsGradient(
    _ result: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ y: UnsafeBufferPointer<Self>, _ length: UnsafeBufferPointer<Self>, rows: Int, columns: Int
  ) {
    guard let result = result.baseAddress, let g = g.baseAddress, let y = y.baseAddress,
      let length = length.baseAddress
    else { return }
    Reference.normalizeRowsGradient(result, g, y, length, rows: rows, columns: columns)
  }

  static func affine(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ weight: UnsafePointer<Self>,
    bias: Tensor?, _ activation: Activation, rows: Int, outputs: Int, inputs: Int
  ) {
    func run(_ bias: UnsafePointer<Self>?) {
      product(
        y, x, weight, m: rows, n: outputs, k: inputs, transposingA: false, transposingB: true,
        adding: false, bias: bias, activation)
    }
    bias.map { $0.withElements(of: Self.self) { run($0.baseAddress) } } ?? run(nil)
  }

  private static func addBias(
    _ y: UnsafeMutablePointer<Self>, _ bias: Tensor?, rows: Int, columns: Int
  ) {
    bias?.withElements(of: Self.self) { bias in
      for i in 0..<rows { for c in 0..<columns { y[i * columns + c] += bias[c] } }
    }
  }

  static func convolution(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ weight: UnsafePointer<Self>,
    bias: Tensor?, _ s: ConvolutionShape
  ) {
    Reference.convolution(y, x, weight, s)
    addBias(y, bias, rows: s.positions, columns: s.outputs)
  }

  static func convolutionInputGradient(
    _ x: UnsafeMutablePointer<Self>, _ cotangent: UnsafePointer<Self>,
    _ weight: UnsafePointer<Self>, _ s: ConvolutionShape
  ) {
    Reference.convolutionInputGradient(x, cotangent, weight, s)
  }

  static func convolutionWeightGradient(
    _ weight: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>,
    _ cotangent: UnsafePointer<Self>, _ s: ConvolutionShape
  ) {
    Reference.convolutionWeightGradient(weight, x, cotangent, s)
  }

  static func moments(
    _ mean: UnsafeMutableBufferPointer<Self>, _ variance: UnsafeMutableBufferPointer<Self>,
    _ x: Tensor, rows: Int, columns: Int
  ) {
    x.withElements(of: Self.self) { x in
      guard let mean = mean.baseAddress, let variance = variance.baseAddress,
        let x = x.baseAddress
      else { return }
      Reference.moments(mean, variance, x, rows: rows, columns: columns)
    }
  }

  static func scaleAndShift(
    _ y: UnsafeMutableBufferPointer<Self>, _ x: Tensor, _ factor: Tensor, _ offset: Tensor,
    rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress else { return }
    Reference.scaleAndShift(
      y, x.base(), factor.base(), offset.base(), rows: rows, columns: columns)
    withExtendedLifetime((x, factor, offset)) {}
  }

  static func cotangentSums(
    _ sum: UnsafeMutableBufferPointer<Self>, _ product: UnsafeMutableBufferPointer<Self>,
    _ g: Tensor, _ x: Tensor, _ mean: Tensor, rows: Int, columns: Int
  ) {
    guard let sum = sum.baseAddress, let product = product.baseAddress else { return }
    Reference.cotangentSums(
      sum, product, g.base(), x.base(), mean.base(), rows: rows, columns: columns)
    withExtendedLifetime((g, x, mean)) {}
  }

  static func combination(
    _ y: UnsafeMutableBufferPointer<Self>, _ g: Tensor, _ a: Tensor, _ x: Tensor, _ b: Tensor,
    _ c: Tensor, rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress else { return }
    Reference.combination(
      y, g.base(), a.base(), x.base(), b.base(), c.base(), rows: rows, columns: columns)
    withExtendedLifetime((g, a, x, b, c)) {}
  }
}

extension Scalar {
  static func maxPool2x2(
    _ y: UnsafeMutableBufferPointer<Self>, _ places: Places, _ x: Tensor
  ) {
    guard let y = y.baseAddress else { return }
    Reference.maxPool2x2(
      y, places.base, x.base(), images: x.shape[0], height: x.shape[1], width: x.shape[2],
      channels: x.shape[3])
    withExtendedLifetime((places, x)) {}
  }

  static func maxPool2x2Gradient(
    _ x: UnsafeMutableBufferPointer<Self>, _ places: Places, _ g: Tensor, shape: [Int]
  ) {
    guard let x = x.baseAddress else { return }
    Reference.maxPool2x2Gradient(
      x, places.base, g.base(), images: shape[0], height: shape[1], width: shape[2],
      channels: shape[3])
    withExtendedLifetime((places, g)) {}
  }

  static func adamW(
    _ p: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ m: UnsafeMutableBufferPointer<Self>, _ v: UnsafeMutableBufferPointer<Self>,
    _ numbers: AdamWNumbers<Self>
  ) {
    Reference.adamW(p, g, m, v, numbers)
  }

  static func sgd(
    _ p: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ v: UnsafeMutableBufferPointer<Self>, rate: Self, momentum: Self, nesterov: Bool, decay: Self
  ) {
    Reference.sgd(p, g, v, rate: rate, momentum: momentum, nesterov: nesterov, decay: decay)
  }
}

extension Tensor {
  /// The first element, for kernels; the caller keeps the tensor alive.
  func base<S: Scalar>(of _: S.Type = S.self) -> UnsafePointer<S> {
    precondition(S.dtype == dtype, "the tensor is \(dtype), not \(S.dtype)")
    return UnsafePointer(storage.base.assumingMemoryBound(to: S.self))
  }
}
