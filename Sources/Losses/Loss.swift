import Autodiff
import Geometry
import Settings

/// A batch and what a loss should look at in it.
public struct LossInput: Sendable {
  /// [batch, dimension], as the encoder gives them: a loss normalises them itself.
  public var embeddings: Tensor
  /// The class of each row.
  public var labels: [Int]
  /// The pairs or triplets to look at, nil for all of them.
  ///
  /// A loss over pairs reads a triplet as two pairs, and one over triplets joins pairs that share
  /// an anchor. A loss with a term for each row weights it by how often the row occurs.
  public var tuples: Tuples?
  /// What the batch is compared with; nil for the batch itself.
  public var reference: ReferenceSet?
  /// What makes two labels alike, for losses over pairs; nil if they must be equal.
  var likeness: Likeness?
  /// How many rows losses that go by rows look at at a time, for batches whose square does not fit
  /// the memory; nil for all. Other losses look at all rows.
  public var chunk: Int?
  /// What a teacher makes of the same items, one row each; the dimension may be another.
  public var teacher: Tensor?
  /// How the loss's terms become one number; nil for the loss's own way.
  public var reducer: (any Reducer)?
  /// For what is drawn at random, such as a share of mixing.
  public var random = Random(seed: 0)

  public init(
    embeddings: Tensor, labels: [Int], tuples: Tuples? = nil, reference: ReferenceSet? = nil,
    teacher: Tensor? = nil, reducer: (any Reducer)? = nil
  ) {
    (self.embeddings, self.labels) = (embeddings, labels)
    (self.tuples, self.reference, self.teacher) = (tuples, reference, teacher)
    self.reducer = reducer
  }
}

/// What a loss makes of a batch.
public struct LossOutput: Sendable {
  /// The loss, of shape [].
  public var value: Tensor
  /// The share of the loss's terms (pairs, triplets or rows) that are above 0; 0 if it has none.
  public var active: Double
  /// What the loss's state becomes once the step is taken; empty for a loss without state.
  public var state: [Tensor] = []

  public init(value: Tensor, active: Double) { (self.value, self.active) = (value, active) }
}

/// Which embeddings of a teacher a loss asks for.
public enum TeacherUse: Sendable {
  case none
  /// Those of the batch's dimension.
  case ownDimension
  case anyDimension
}

/// A number that says how badly a batch is embedded.
///
/// Value and gradient are finite for every finite batch: without tuples, with one class, with all
/// classes distinct, with one row, with equal rows and with rows of zeros.
public protocol Loss: Described, Parameterized {
  /// Whether another order of the same rows may give another loss.
  static var dependsOnOrder: Bool { get }
  /// How the loss's terms become one number unless the input says otherwise; nil for a loss that is
  /// not made of terms of rows, pairs or triplets, which takes no reducer.
  var ownReduction: Reduction? { get }

  /// Whether the loss can look at a few rows at a time; see ``LossInput/chunk``.
  var goesByRows: Bool { get }
  /// What the loss reads labels for.
  var labelUse: LabelUse { get }
  /// Which embeddings of a teacher the loss asks for.
  var teacherUse: TeacherUse { get }

  /// The loss of a batch that ``validate(_:at:)`` accepts.
  func callAsFunction(_ input: LossInput) -> LossOutput

  /// Makes the loss's own parameters, if it has any.
  mutating func makeParameters(classCount: Int, dimension: Int, dtype: DType, random: Random)

  /// Calls `body` with what the loss remembers between steps, such as a running histogram, by name.
  ///
  /// A loss does not change itself: ``LossOutput/state`` tells what this becomes, in this order.
  mutating func updateState(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows

  /// Whether the rows that are reduced are not those of the batch, but proxies or queries.
  static var reducesOtherRows: Bool { get }
  /// The classes of the rows that are reduced; nil if they are the batch's own.
  var reducedClasses: [Int]? { get }

  /// This loss with every weight that takes no gradient held at what it is for a batch.
  ///
  /// A loss that stops gradients has another slope than its value; its gradient is that of the
  /// loss returned here, which central differences can check. Most losses return themselves.
  func holdingWeights(of input: LossInput) -> any Loss

  /// Checks that the loss can be found for a batch.
  ///
  /// - Parameter place: where the batch comes from, for the message.
  func validate(_ input: LossInput, at place: String) throws(Failure)
}

extension Loss {
  public static var dependsOnOrder: Bool { false }
  public var goesByRows: Bool { false }
  public var labelUse: LabelUse { .classes }
  public var teacherUse: TeacherUse { .none }
  public var ownReduction: Reduction? { nil }

  public mutating func updateState(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {}

  public static var reducesOtherRows: Bool { false }
  public var reducedClasses: [Int]? { nil }

  public func holdingWeights(of input: LossInput) -> any Loss { self }

  public mutating func makeParameters(
    classCount: Int, dimension: Int, dtype: DType, random: Random
  ) {}

  public func validate(_ input: LossInput, at place: String) throws(Failure) {
    try input.validate(at: place)
  }
}

extension Loss {
  /// Takes the state that an output of this loss came with.
  public mutating func take(_ state: [Tensor]) {
    var next = state.makeIterator()
    updateState { _, tensor in tensor = next.next() ?? tensor }
  }
}

extension Loss where Self: RowFunction {
  public var ownReduction: Reduction? { reduction }
}
