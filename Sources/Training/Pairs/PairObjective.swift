import Autodiff
import Losses
import Models
import Settings

/// The encoders of both sides and the losses that they are trained by; both may have parameters.
public struct PairObjective: Parameterized {
  public var encoders: PairEncoders
  public var loss: ColumnLosses

  public init(encoders: PairEncoders, loss: ColumnLosses) {
    (self.encoders, self.loss) = (encoders, loss)
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try encoders.updateParameters(body)
    try loss.updateParameters { try body("loss.\($0)", &$1) }
  }

  /// Parameters and running statistics: all that a model file must hold.
  mutating func updateState(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateParameters(body)
    try encoders.updateStatistics(body)
  }

  /// Parameters and running statistics with their names.
  var state: [(name: String, value: Tensor)] {
    var copy = self
    var result: [(String, Tensor)] = []
    copy.updateState { result.append(($0, $1)) }
    return result
  }

  /// Takes every parameter and statistic from tensors of the same names and shapes.
  mutating func load(
    _ tensors: [String: Tensor], prefix: String, at path: String
  ) throws(Failure) {
    var failure: Failure?
    updateState { name, tensor in
      tensor = fitting(tensors, prefix + name, tensor, at: path, &failure)
    }
    if let failure { throw failure }
  }
}
