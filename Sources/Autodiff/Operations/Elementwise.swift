// Operations on each element. Both operands of a binary operation have the same shape and dtype.

extension Tensor {
  /// A new tensor with `operation` applied to each element.
  package func mapped(_ operation: UnaryOperation, _ number: Double = 0) -> Tensor {
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { x in
        Tensor(shape: shape, of: S.self) { y in S.map(operation, y, x, S(number)) }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }

  /// A new tensor with `operation` applied to the elements of both at each place.
  package func combined(_ operation: BinaryOperation, _ other: Tensor) -> Tensor {
    precondition(
      shape == other.shape && dtype == other.dtype,
      "\(operation): \(shape) \(dtype) and \(other.shape) \(other.dtype) differ")
    func run<S: Scalar>(_: S.Type) -> Tensor {
      withElements(of: S.self) { a in
        other.withElements(of: S.self) { b in
          Tensor(shape: shape, of: S.self) { y in S.combine(operation, y, a, b) }
        }
      }
    }
    return dtype == .float32 ? run(Float.self) : run(Double.self)
  }
}

// MARK: - Arithmetic

public func + (a: Tensor, b: Tensor) -> Tensor {
  a.combined(.add, b).recorded("+", a.edge { $0 }, b.edge { $0 })
}

public func - (a: Tensor, b: Tensor) -> Tensor {
  a.combined(.subtract, b).recorded("-", a.edge { $0 }, b.edge { $0.scaled(by: -1) })
}

public func * (a: Tensor, b: Tensor) -> Tensor {
  let (x, y) = (a.detached, b.detached)
  return x.combined(.multiply, y).recorded("*", a.edge { $0 * y }, b.edge { $0 * x })
}

public func / (a: Tensor, b: Tensor) -> Tensor {
  let y = b.detached
  let quotient = a.combined(.divide, b)
  return quotient.recorded(
    "/", a.edge { $0 / y }, b.edge { ($0 * quotient / y).scaled(by: -1) })
}

extension Tensor {
  /// This tensor times a number.
  public func scaled(by factor: Double) -> Tensor {
    mapped(.scale, factor).recorded("scaled", edge { $0.scaled(by: factor) })
  }

  /// This tensor plus a number.
  public func shifted(by amount: Double) -> Tensor {
    mapped(.shift, amount).recorded("shifted", edge { $0 })
  }
}

// MARK: - Functions

/// `e` raised to each element.
public func exp(_ x: Tensor) -> Tensor {
  let y = x.mapped(.exp)
  return y.recorded("exp", x.edge { $0 * y })
}

/// The natural logarithm of each element.
public func log(_ x: Tensor) -> Tensor {
  let input = x.detached
  return x.mapped(.log).recorded("log", x.edge { $0 / input })
}

/// max(x, 0) for each element; the gradient at 0 is 0.
public func relu(_ x: Tensor) -> Tensor {
  let y = x.mapped(.relu)
  return y.recorded("relu", x.edge { $0.combined(.reluGradient, y) })
}

/// The square root of each element, which must not be negative.
///
/// The gradient at 0, which would be infinite, is 0.
public func squareRoot(_ x: Tensor) -> Tensor {
  let y = x.mapped(.squareRoot)
  return y.recorded("squareRoot", x.edge { $0.combined(.squareRootGradient, y) })
}

/// The absolute value of each element; the gradient at 0 is 0.
public func abs(_ x: Tensor) -> Tensor {
  let input = x.detached
  return x.mapped(.absolute).recorded("abs", x.edge { $0.combined(.absoluteGradient, input) })
}

/// log(1 + eˣ) for each element, without overflow.
public func softplus(_ x: Tensor) -> Tensor {
  let input = x.detached
  return x.mapped(.softplus).recorded(
    "softplus", x.edge { $0.combined(.softplusGradient, input) })
}

/// The hyperbolic tangent of each element.
public func tanh(_ x: Tensor) -> Tensor {
  let y = x.mapped(.tanh)
  return y.recorded("tanh", x.edge { $0.combined(.tanhGradient, y) })
}

/// 1 / (1 + e⁻ˣ) for each element, without overflow.
public func sigmoid(_ x: Tensor) -> Tensor {
  let y = x.mapped(.sigmoid)
  return y.recorded("sigmoid", x.edge { $0.combined(.sigmoidGradient, y) })
}
