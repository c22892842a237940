import Foundation

/// One row of the gradient table: a function, a point, and how well its gradient must fit.
///
/// Every operation, layer and loss has rows; `kindred gradcheck` and the tests run them all.
public struct GradientCheck: Sendable {
  public let name: String
  /// The point, in float64.
  public let point: [Tensor]
  /// The largest error allowed, relative to the derivative (or to 1 if that is smaller).
  public let tolerance: Double
  /// The function; a result that is not one number is weighted with fixed numbers and summed.
  public let function: @Sendable ([Tensor]) -> Tensor

  public init(
    _ name: String, at point: [Tensor], tolerance: Double = 1e-6,
    of function: @escaping @Sendable ([Tensor]) -> Tensor
  ) {
    (self.name, self.point, self.tolerance, self.function) = (name, point, tolerance, function)
  }

  public struct Outcome: Sendable {
    public let name: String
    /// The derivative along a fixed direction, by the gradient and by central differences.
    public let derivative, difference: Double
    public let error, tolerance: Double
    public var passes: Bool { error <= tolerance }
  }

  /// Compares the gradient with central differences along one direction that has every coordinate.
  public func run(step: Double = 1e-6) -> Outcome {
    let scalar = { @Sendable (x: [Tensor]) -> Tensor in weightedSum(function(x)) }
    var random = Random(seed: 7).split("direction")
    let direction = point.map { $0.filled { random.normal() } }
    let (_, gradient) = valueWithGradient(at: point, of: scalar)
    let derivative = zip(gradient, direction).reduce(0.0) { $0 + ($1.0 * $1.1).sum().item }
    let ahead = zip(point, direction).map { $0 + $1.scaled(by: step) }
    let behind = zip(point, direction).map { $0 + $1.scaled(by: -step) }
    let difference = (scalar(ahead).item - scalar(behind).item) / (2 * step)
    let error = abs(derivative - difference) / max(1, abs(difference))
    return Outcome(
      name: name, derivative: derivative, difference: difference,
      error: error.isFinite ? error : .infinity, tolerance: tolerance)
  }
}

extension Tensor {
  /// A tensor of the same shape and dtype, with every element drawn from `draw`.
  func filled(_ draw: () -> Double) -> Tensor {
    Tensor((0..<count).map { _ in draw() }, shape: shape).converted(to: dtype)
  }
}

/// Σ w x with fixed weights, so that errors in different elements cannot cancel.
private func weightedSum(_ x: Tensor) -> Tensor {
  guard x.count != 1 else { return x.sum() }
  var random = Random(seed: 11).split("weights")
  return (x * x.detached.filled { random.uniform(in: 0.5...1.5) }).sum()
}

extension Array: Parameterized where Element == Tensor {
  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for i in indices { try body("\(i)", &self[i]) }
  }
}
