import Autodiff
import Losses
import Models
import Settings

/// An encoder and the weighted losses that it is trained by; both may have parameters.
public struct Objective: Parameterized {
  public var encoder: Encoder
  public var loss: CompositeLoss

  public init(encoder: Encoder, loss: CompositeLoss) { (self.encoder, self.loss) = (encoder, loss) }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try encoder.updateParameters { try body("encoder.\($0)", &$1) }
    try loss.updateParameters { try body("loss.\($0)", &$1) }
  }

  /// Parameters and running statistics: all that a model file must hold.
  public mutating func updateState(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try updateParameters(body)
    try encoder.updateStatistics { try body("encoder.\($0)", &$1) }
  }

  /// Parameters and running statistics with their names.
  public var state: [(name: String, value: Tensor)] {
    var copy = self
    var result: [(String, Tensor)] = []
    copy.updateState { result.append(($0, $1)) }
    return result
  }

  /// What the losses remember of recent batches, with names; a checkpoint needs it too.
  var memories: [(name: String, value: Tensor)] {
    var copy = loss
    var result: [(String, Tensor)] = []
    copy.updateMemories { result.append(("memory.\($0)", $1)) }
    return result
  }

  static func isLossParameter(_ name: String) -> Bool { name.hasPrefix("loss.") }
}

extension CompositeLoss {
  /// The losses of a recipe, with the parameters that they start from.
  init(_ recipe: Recipe, classCount: Int, dimension: Int) {
    self.init(recipe.losses.map { LossTerm($0) })
    makeParameters(
      classCount: classCount, dimension: dimension, dtype: .float32,
      random: Random(seed: UInt64(recipe.training.seed)).split("loss"))
  }

  /// Tells the losses what the recipe says makes these classes alike.
  mutating func setRelevance(_ recipe: Recipe, classNames: [String]) throws(Failure) {
    for (i, choice) in recipe.losses.enumerated() {
      terms[i].relevance = try choice.relevance?.relevance(ofClasses: classNames)
    }
  }
}
