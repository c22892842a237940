import Foundation

/// x Φ(x) = x/2 (1 + erf(x/√2)); in single precision Φ to 1e-7.
///
/// - Reference: Hendrycks and Gimpel, *Gaussian Error Linear Units* (2016).
public func gelu(_ x: Tensor) -> Tensor { apply("gelu", GELU.self, x) }

/// x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), which differs from ``gelu(_:)`` by up to 5e-4.
public func geluByTanh(_ x: Tensor) -> Tensor { apply("geluByTanh", GELUByTanh.self, x) }

/// x / (1 + e⁻ˣ).
public func silu(_ x: Tensor) -> Tensor { apply("silu", SiLU.self, x) }

/// x / (1 + e^(−1.702 x)), which differs from ``gelu(_:)`` by up to 0.021: CLIP's.
///
/// - Reference: Hendrycks and Gimpel, *Gaussian Error Linear Units* (2016).
public func geluBySigmoid(_ x: Tensor) -> Tensor { apply("geluBySigmoid", GELUBySigmoid.self, x) }

/// x G(x) for a function G that rises from 0 to 1.
private protocol GatedByItself {
  /// Writes G(x) and its derivative.
  static func gate<S: Scalar>(
    _ gate: UnsafeMutablePointer<S>, _ slope: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int)
}

private enum GELU: GatedByItself {
  static func gate<S: Scalar>(
    _ gate: UnsafeMutablePointer<S>, _ slope: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int
  ) {
    for i in 0..<count { slope[i] = x[i] * x[i] * S(-0.5) }
    S.exp(slope, slope, count)
    if S.dtype == .float64 {
      for i in 0..<count {
        gate[i] = (1 + S(Foundation.erf(Double(x[i]) * 0.5.squareRoot()))) / 2
      }
    } else {
      // Abramowitz and Stegun 7.1.26: half the complement of erf at |x|/√2 is this polynomial in t
      // times e^(−x²/2), to 7.5e-8.
      for i in 0..<count {
        let t = 1 / (1 + S(0.3275911 * 0.707_106_781_186_547_5) * x[i].magnitude)
        let a = S(1.061_405_429 / 2) * t - S(1.453_152_027 / 2)
        let b = (a * t + S(1.421_413_741 / 2)) * t - S(0.284_496_736 / 2)
        let rest = (b * t + S(0.254_829_592 / 2)) * t * slope[i]
        gate[i] = x[i] < 0 ? rest : 1 - rest
      }
    }
    for i in 0..<count { slope[i] *= S(0.398_942_280_401_432_7) }
  }
}

private enum GELUByTanh: GatedByItself {
  static func gate<S: Scalar>(
    _ gate: UnsafeMutablePointer<S>, _ slope: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int
  ) {
    // (1 + tanh z) / 2 is the logistic function of 2z.
    let (rate, cubic) = (S(2 * 0.797_884_560_802_865_4), S(0.044715))
    for i in 0..<count { gate[i] = rate * x[i] * (1 + cubic * x[i] * x[i]) }
    S.kernels.map(UnaryOperation.sigmoid.rawValue, gate, gate, 0, count)
    for i in 0..<count {
      slope[i] = gate[i] * (1 - gate[i]) * rate * (1 + 3 * cubic * x[i] * x[i])
    }
  }
}

private enum SiLU: GatedByItself {
  static func gate<S: Scalar>(
    _ gate: UnsafeMutablePointer<S>, _ slope: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int
  ) {
    S.kernels.map(UnaryOperation.sigmoid.rawValue, gate, x, 0, count)
    for i in 0..<count { slope[i] = gate[i] * (1 - gate[i]) }
  }
}

private enum GELUBySigmoid: GatedByItself {
  static func gate<S: Scalar>(
    _ gate: UnsafeMutablePointer<S>, _ slope: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    _ count: Int
  ) {
    let rate = S(1.702)
    for i in 0..<count { gate[i] = rate * x[i] }
    S.kernels.map(UnaryOperation.sigmoid.rawValue, gate, gate, 0, count)
    for i in 0..<count { slope[i] = rate * gate[i] * (1 - gate[i]) }
  }
}

/// Elements of a piece of work.
private let grain = 4096

private func apply<A: GatedByItself>(_ name: StaticString, _: A.Type, _ x: Tensor) -> Tensor {
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let input = x.detached
    /// Writes x G(x), or g (G(x) + x G'(x)) where there is a cotangent.
    @Sendable func pass(_ cotangent: Tensor?) -> Tensor {
      input.withElements(of: S.self) { elements in
        Tensor(shape: input.shape, of: S.self) { result in
          guard let x = elements.baseAddress, let y = result.baseAddress else { return }
          let g = cotangent?.base(of: S.self)
          Parallel.forEachRange(elements.count, grain: grain) { range in
            let (x, y, count) = (x + range.lowerBound, y + range.lowerBound, range.count)
            Scratch<S>(count: 2 * count).withBase { memory in
              let (gate, slope) = (memory, memory + count)
              A.gate(gate, slope, x, count)
              if let g {
                let g = g + range.lowerBound
                for i in 0..<count { y[i] = g[i] * (gate[i] + x[i] * slope[i]) }
              } else {
                for i in 0..<count { y[i] = x[i] * gate[i] }
              }
            }
          }
          withExtendedLifetime(cotangent) {}
        }
      }
    }
    return pass(nil).recorded(name, x.edge { pass($0) })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}
