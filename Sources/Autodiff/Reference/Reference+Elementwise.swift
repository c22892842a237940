extension Reference {
  public static func value<S: Scalar>(_ operation: UnaryOperation, _ x: S, _ number: S) -> S {
    switch operation {
    case .scale: x * number
    case .shift: x + number
    case .exp: S.exp(x)
    case .log: S.log(x)
    case .relu: x <= 0 ? 0 : x
    case .squareRoot: x.squareRoot()
    case .absolute: x.magnitude
    case .softplus: (x <= 0 ? 0 : x) + S.logOnePlus(S.exp(-x.magnitude))
    case .tanh: S.tanh(x)
    case .sigmoid: sigmoid(x)
    }
  }

  public static func value<S: Scalar>(_ operation: BinaryOperation, _ a: S, _ b: S) -> S {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .reluGradient: b > 0 ? a : 0
    case .squareRootGradient: b == 0 ? 0 : a / (2 * b)
    case .absoluteGradient: b > 0 ? a : b < 0 ? -a : 0
    case .softplusGradient: a * sigmoid(b)
    case .tanhGradient: a * (1 - b * b)
    case .sigmoidGradient: a * (b * (1 - b))
    }
  }

  /// 1 / (1 + e^-x), without overflow.
  private static func sigmoid<S: Scalar>(_ x: S) -> S {
    let e = S.exp(-x.magnitude)
    return (x >= 0 ? 1 : e) / (1 + e)
  }
}
