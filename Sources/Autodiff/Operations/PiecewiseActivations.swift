/// min(max(x, 0), 6) for each element; the gradient is 0 at both ends.
///
/// - Reference: Howard et al., *MobileNets* (2017).
public func relu6(_ x: Tensor) -> Tensor { apply("relu6", x, below: 0, limit: 6) }

/// x where it is positive, else slope · x; the gradient at 0 is the slope.
///
/// - Reference: Maas et al., *Rectifier Nonlinearities Improve Neural Network Acoustic Models* (2013).
public func leakyRelu(_ x: Tensor, slope: Double) -> Tensor {
  apply("leakyRelu", x, below: slope, limit: .infinity)
}

/// Elements of a piece of work.
private let grain = 32_768

/// `below` x up to 0, x up to `limit`, and the limit beyond it.
private func apply(
  _ name: StaticString, _ x: Tensor, below: Double, limit: Double
) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let input = x.detached
    let (below, limit) = (S(below), S(limit))
    // Infinity times 0 is no number.
    @Sendable func scaled(_ value: S) -> S { below == 0 ? 0 : value * below }
    /// Writes the value, or g times its slope where there is a cotangent.
    @Sendable func pass(_ cotangent: Tensor?) -> Tensor {
      Tensor(shape: input.shape, of: S.self) { result in
        guard let y = result.baseAddress else { return }
        let (x, g) = (input.base(of: S.self), cotangent?.base(of: S.self))
        Parallel.forEachRange(input.count, grain: grain) { range in
          if let g {
            for i in range { y[i] = x[i] <= 0 ? scaled(g[i]) : x[i] >= limit ? 0 : g[i] }
          } else {
            for i in range { y[i] = x[i] <= 0 ? scaled(x[i]) : x[i] >= limit ? limit : x[i] }
          }
        }
        withExtendedLifetime(cotangent) {}
      }
    }
    return pass(nil).recorded(name, x.edge { pass($0) })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}
