extension Tensor {
  /// Whether no element is NaN or infinite.
  ///
  /// - Complexity: one pass over the bits, without a branch, so that it runs as fast as memory does.
  public var isFinite: Bool {
    // All ones in the exponent, and nothing else, carry into the top bit.
    switch dtype {
    case .float32:
      withElements(of: Float.self) { elements in
        var found: UInt32 = 0
        for element in elements { found |= (element.bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000 }
        return found < 0x8000_0000
      }
    case .float64:
      withElements(of: Double.self) { elements in
        var found: UInt64 = 0
        for element in elements {
          found |= (element.bitPattern & 0x7FFF_FFFF_FFFF_FFFF) &+ 0x0010_0000_0000_0000
        }
        return found < 0x8000_0000_0000_0000
      }
    }
  }

  /// The place, by rows, of the first element that is NaN or infinite, and which it is; nil if all
  /// are finite.
  public var firstNotFinite: (place: Int, value: Double)? {
    func find<S: Scalar>(_: S.Type) -> (place: Int, value: Double)? {
      withElements(of: S.self) { elements in
        elements.firstIndex { !$0.isFinite }.map { ($0, Double(elements[$0])) }
      }
    }
    return dtype == .float32 ? find(Float.self) : find(Double.self)
  }
}
