import Autodiff
import Settings

/// The weighted losses over columns of a recipe, added up.
///
///     Σ wᵢ Lᵢ
public struct ColumnLosses: Parameterized {
  public struct Term: Sendable {
    public let name: String
    public var loss: any ColumnLoss
    public let weight: Double
    /// What is done around the loss, the outermost first.
    public let modifiers: [any ColumnModifier]

    public init(_ choice: ColumnLossChoice) {
      (name, loss, weight) = (choice.loss.name, choice.loss.value, choice.weight)
      modifiers = choice.modifiers.map(\.value)
    }

    /// The loss with its modifiers, in the dtype of the columns.
    public func value(_ input: ColumnInput) -> Tensor {
      let all = modifiers.reversed().reduce({ loss.value($0) }) { inner, modifier in
        { modifier.value($0, inner: inner) }
      }
      return all(input.widened).narrowed(to: input.columns.first?.dtype ?? .float64)
    }
  }

  public private(set) var terms: [Term]

  public init(_ choices: [ColumnLossChoice]) { terms = choices.map { Term($0) } }

  /// Makes the losses' own parameters, if they have any.
  ///
  /// - Parameter dimension: of an embedding.
  public mutating func makeParameters(dimension: Int, dtype: DType, random: Random) {
    for i in terms.indices {
      terms[i].loss.makeParameters(
        dimension: dimension, dtype: dtype, random: random.split(UInt64(i)))
    }
  }

  /// Checks that the losses and their modifiers take such an input.
  public func validate(_ input: ColumnInput, at place: String) throws(Failure) {
    for (i, term) in terms.enumerated() {
      try term.loss.validate(input, at: "\(place)[\(i)] (\(term.name))")
      for modifier in term.modifiers {
        try modifier.check(input, at: "\(place)[\(i)] (\(term.name)): modifiers")
      }
    }
  }

  /// The sum, and what each loss says before its weight.
  public func callAsFunction(_ input: ColumnInput) -> (sum: Tensor, values: [Double]) {
    let values = terms.map { $0.value(input) }
    let weighted = zip(terms, values).map { $1.scaled(by: $0.weight) }
    let zero = Tensor(0, dtype: input.columns.first?.dtype ?? .float64)
    return (
      weighted.dropFirst().reduce(weighted.first ?? zero, +), values.map { $0.detached.item }
    )
  }

  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    for (i, prefix) in terms.map(\.name).madeUnique.enumerated() {
      try terms[i].loss.updateParameters { try body("\(prefix).\($0)", &$1) }
    }
  }
}
