import CKernels

// Kernels over elements and over rows, threaded in fixed pieces where there are many.

/// Elements of a piece of work.
private let grain = 32_768

extension Scalar {
  static func map(
    _ operation: UnaryOperation, _ y: UnsafeMutableBufferPointer<Self>,
    _ x: UnsafeBufferPointer<Self>, _ number: Self
  ) {
    guard let y = y.baseAddress, let start = x.baseAddress else { return }
    let kernels = kernels
    Parallel.forEachRange(x.count, grain: grain) { range in
      if operation == .tanh {
        for i in range { y[i] = tanh(start[i]) }
      } else {
        kernels.map(
          operation.rawValue, y + range.lowerBound, start + range.lowerBound, Double(number),
          range.count)
      }
    }
  }

  static func combine(
    _ operation: BinaryOperation, _ y: UnsafeMutableBufferPointer<Self>,
    _ a: UnsafeBufferPointer<Self>, _ b: UnsafeBufferPointer<Self>
  ) {
    guard let y = y.baseAddress, let left = a.baseAddress, let right = b.baseAddress
    else { return }
    let kernels = kernels
    Parallel.forEachRange(a.count, grain: grain) { range in
      kernels.combine(
        operation.rawValue, y + range.lowerBound, left + range.lowerBound,
        right + range.lowerBound, range.count)
    }
  }

  /// y[i] = e^x[i] for i in 0..<count, on this thread, to about 1 unit in the last place.
  ///
  /// 0 and infinity beyond the range, gradual underflow, NaN for NaN. `y` may be `x`.
  public static func exp(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ count: Int
  ) {
    kernels.map(UnaryOperation.exp.rawValue, y, x, 0, count)
  }

  /// y[i] = log x[i] for i in 0..<count, on this thread, to about 1 unit in the last place.
  ///
  /// Minus infinity for 0, NaN below 0 and for NaN, right for subnormal numbers. `y` may be `x`.
  public static func log(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ count: Int
  ) {
    kernels.map(UnaryOperation.log.rawValue, y, x, 0, count)
  }

  /// The sum in double precision, of fixed pieces in their order.
  static func sum(_ x: UnsafeBufferPointer<Self>) -> Double {
    guard let start = x.baseAddress else { return 0 }
    let kernels = kernels
    var total = 0.0
    withSums(over: x.count, grain: grain, width: 1) { range, sum in
      sum.pointee = kernels.sum(start + range.lowerBound, range.count)
    } finish: {
      total = $0.pointee
    }
    return total
  }

  static func adamW(
    _ p: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ m: UnsafeMutableBufferPointer<Self>, _ v: UnsafeMutableBufferPointer<Self>,
    _ numbers: AdamWNumbers<Self>
  ) {
    guard let start = p.baseAddress, let g = g.baseAddress, let m = m.baseAddress,
      let v = v.baseAddress
    else { return }
    let kernels = kernels
    let converted = ck_adamw(
      decay: Double(numbers.decay), beta1: Double(numbers.beta1), beta2: Double(numbers.beta2),
      share1: Double(numbers.share1), share2: Double(numbers.share2),
      rate: Double(numbers.rate), correction: Double(numbers.correction),
      epsilon: Double(numbers.epsilon))
    Parallel.forEachRange(p.count, grain: grain) { range in
      let i = range.lowerBound
      kernels.adamw(start + i, g + i, m + i, v + i, converted, range.count)
    }
  }

  static func sgd(
    _ p: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ v: UnsafeMutableBufferPointer<Self>, rate: Self, momentum: Self, nesterov: Bool, decay: Self
  ) {
    guard let start = p.baseAddress, let g = g.baseAddress, let v = v.baseAddress else { return }
    let kernels = kernels
    Parallel.forEachRange(p.count, grain: grain) { range in
      let i = range.lowerBound
      kernels.sgd(
        start + i, g + i, v + i, Double(rate), Double(momentum), Double(decay), nesterov ? 1 : 0,
        range.count)
    }
  }

  static func normalizeRows(
    _ y: UnsafeMutableBufferPointer<Self>, _ length: UnsafeMutableBufferPointer<Self>,
    _ x: UnsafeBufferPointer<Self>, rows: Int, columns: Int
  ) {
    guard let y = y.baseAddress, let length = length.baseAddress, let x = x.baseAddress
    else { return }
    let kernels = kernels
    Parallel.forEachRange(rows, grain: max(1, grain / max(1, columns))) { range in
      let e = range.lowerBound * columns
      kernels.normalize_rows(
        y + e, length + range.lowerBound, x + e, Reference.shortest(), range.count, columns)
    }
  }

  static func normalizeRowsGradient(
    _ result: UnsafeMutableBufferPointer<Self>, _ g: UnsafeBufferPointer<Self>,
    _ y: UnsafeBufferPointer<Self>, _ length: UnsafeBufferPointer<Self>, times factor: Double,
    rows: Int, columns: Int
  ) {
    guard let result = result.baseAddress, let g = g.baseAddress, let y = y.baseAddress,
      let length = length.baseAddress
    else { return }
    let kernels = kernels
    Parallel.forEachRange(rows, grain: max(1, grain / max(1, columns))) { range in
      let e = range.lowerBound * columns
      kernels.normalize_rows_gradient(
        result + e, g + e, y + e, length + range.lowerBound, Reference.shortest(), factor,
        range.count, columns)
    }
  }
}
