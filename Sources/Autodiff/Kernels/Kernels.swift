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
