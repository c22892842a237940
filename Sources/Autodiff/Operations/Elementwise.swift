// Operations on each element. Both operands of a binary operation have the same shape and dtype.

extension Tensor {
  /// A new tensor with `f` applied to each element.
  @inline(__always)
  func mapping<S: Scalar>(_: S.Type, _ f: (S) -> S) -> Tensor {
    withElements(of: S.self) { x in
      Tensor(shape: shape, of: S.self) { y in for i in x.indices { y[i] = f(x[i]) } }
    }
  }

  @inline(__always)
  func zipping<S: Scalar>(_ other: Tensor, _: S.Type, _ f: (S, S) -> S) -> Tensor {
    withElements(of: S.self) { a in
      other.withElements(of: S.self) { b in
        Tensor(shape: shape, of: S.self) { y in for i in a.indices { y[i] = f(a[i], b[i]) } }
      }
    }
  }
}

func checkSame(_ name: StaticString, _ a: Tensor, _ b: Tensor) {
  precondition(a.shape == b.shape, "\(name): shapes \(a.shape) and \(b.shape) differ")
  precondition(a.dtype == b.dtype, "\(name): dtypes \(a.dtype) and \(b.dtype) differ")
}

public func + (a: Tensor, b: Tensor) -> Tensor {
  checkSame("+", a, b)
  let sum =
    a.dtype == .float32
    ? a.zipping(b, Float.self) { $0 + $1 } : a.zipping(b, Double.self) { $0 + $1 }
  return sum.recorded("+", a.edge { $0 }, b.edge { $0 })
}

public func - (a: Tensor, b: Tensor) -> Tensor {
  checkSame("-", a, b)
  let difference =
    a.dtype == .float32
    ? a.zipping(b, Float.self) { $0 - $1 } : a.zipping(b, Double.self) { $0 - $1 }
  return difference.recorded("-", a.edge { $0 }, b.edge { $0.scaled(by: -1) })
}

public func * (a: Tensor, b: Tensor) -> Tensor {
  checkSame("*", a, b)
  let (x, y) = (a.detached, b.detached)
  let product =
    a.dtype == .float32
    ? x.zipping(y, Float.self) { $0 * $1 } : x.zipping(y, Double.self) { $0 * $1 }
  return product.recorded("*", a.edge { $0 * y }, b.edge { $0 * x })
}

public func / (a: Tensor, b: Tensor) -> Tensor {
  checkSame("/", a, b)
  let (x, y) = (a.detached, b.detached)
  let quotient =
    a.dtype == .float32
    ? x.zipping(y, Float.self) { $0 / $1 } : x.zipping(y, Double.self) { $0 / $1 }
  return quotient.recorded("/", a.edge { $0 / y }, b.edge { ($0 * quotient / y).scaled(by: -1) })
}

/// `e` raised to each element.
public func exp(_ x: Tensor) -> Tensor {
  let y =
    x.dtype == .float32 ? x.mapping(Float.self, Float.exp) : x.mapping(Double.self, Double.exp)
  return y.recorded("exp", x.edge { $0 * y })
}

/// The natural logarithm of each element.
public func log(_ x: Tensor) -> Tensor {
  let input = x.detached
  let y =
    x.dtype == .float32 ? x.mapping(Float.self, Float.log) : x.mapping(Double.self, Double.log)
  return y.recorded("log", x.edge { $0 / input })
}

extension Tensor {
  /// This tensor times a number.
  public func scaled(by factor: Double) -> Tensor {
    let y =
      dtype == .float32
      ? mapping(Float.self) { [f = Float(factor)] in $0 * f }
      : mapping(Double.self) { $0 * factor }
    return y.recorded("scaled", edge { $0.scaled(by: factor) })
  }

  /// This tensor plus a number.
  public func shifted(by amount: Double) -> Tensor {
    let y =
      dtype == .float32
      ? mapping(Float.self) { [a = Float(amount)] in $0 + a }
      : mapping(Double.self) { $0 + amount }
    return y.recorded("shifted", edge { $0 })
  }
}
