/// A function of each element and, for some, of one number that is the same for all.
public enum UnaryOperation: Int32, Sendable, CaseIterable {
  case scale, shift, exp, log, relu, squareRoot, absolute, softplus, tanh, sigmoid
}

/// A function of two elements at the same place.
///
/// The gradients take the cotangent first, then the input or the result as their summary says.
public enum BinaryOperation: Int32, Sendable, CaseIterable {
  case add, subtract, multiply, divide
  /// The cotangent where the input (or the result) is positive, else 0.
  case reluGradient
  /// From the result y: g / 2y, and 0 where y is 0.
  case squareRootGradient
  /// From the input: g times its sign, which is 0 at 0.
  case absoluteGradient
  /// From the input: g times its sigmoid.
  case softplusGradient
  /// From the result: g (1 - y²).
  case tanhGradient
  /// From the result: g y (1 - y).
  case sigmoidGradient
}
