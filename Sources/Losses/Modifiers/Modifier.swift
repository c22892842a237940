import Autodiff
import Settings

/// Something done around any loss: a penalty added, other views of the batch, other weights.
///
/// Modifiers stand in a list; the first is the outermost. Each calls what is inside it as often as
/// it likes, with a loss and an input of its choice.
public protocol Modifier: Described, Parameterized {
  /// Whether each item of a batch must be there twice, augmented in two ways: all first views, and
  /// then all second views in the same order.
  var needsTwoViews: Bool { get }
  /// Whether what is inside sees other labels, or other pairs of them, than those of the batch.
  var changesLabels: Bool { get }

  /// The loss of a batch with this around it.
  ///
  /// - Parameter inner: what this is around.
  func callAsFunction(
    _ loss: any Loss, _ input: LossInput, inner: (any Loss, LossInput) -> LossOutput
  ) -> LossOutput

  /// Makes the modifier's own parameters, if it has any.
  mutating func makeParameters(classCount: Int, dimension: Int, dtype: DType, random: Random)

  /// The classes that a miner should see.
  func labels(_ labels: [Int]) -> [Int]

  /// This modifier with every weight that takes no gradient held at what it is for a batch.
  func holdingWeights(of input: LossInput) -> any Modifier

  /// Checks that the modifier fits a loss and a batch.
  func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure)
}

extension Modifier {
  public var needsTwoViews: Bool { false }
  public var changesLabels: Bool { false }
  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {}
  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {}
  public func labels(_ labels: [Int]) -> [Int] { labels }
  public func holdingWeights(of input: LossInput) -> any Modifier { self }
  public func validate(_ loss: any Loss, _ input: LossInput, at place: String) throws(Failure) {}
}
