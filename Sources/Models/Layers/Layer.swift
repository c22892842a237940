import Autodiff

/// A function with parameters, and perhaps with statistics gathered while it trains.
///
/// A layer never changes itself while it is applied: what it observes goes into the ``Pass``, and
/// the trainer lets the layer absorb it after the step.
public protocol Layer: Parameterized {
  /// The layer's output for a batch, whose first axis counts the items.
  func callAsFunction(_ input: Tensor, in pass: inout Pass) -> Tensor

  /// Calls `body` with each running statistic and its name, in the order in which the layer
  /// observes them.
  mutating func updateStatistics(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows
}

extension Layer {
  public mutating func updateStatistics(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {}

  /// Moves every running statistic towards what one training pass observed.
  ///
  /// new = (1 - momentum) old + momentum observed
  ///
  /// - Parameter isFrozen: whether the statistic of a name stays as it is.
  public mutating func absorb(
    _ pass: Pass, momentum: Double = 0.1, isFrozen: (_ name: String) -> Bool = { _ in false }
  ) {
    var observed = pass.observed.makeIterator()
    updateStatistics { name, statistic in
      guard let next = observed.next(), let seen = next, !isFrozen(name) else { return }
      statistic = statistic.scaled(by: 1 - momentum) + seen.scaled(by: momentum)
    }
  }
}

/// One application of a model: how it is applied, and what the layers observed on the way.
public struct Pass: Sendable {
  /// Whether statistics are those of the batch (training) or those gathered so far (inference).
  public let isTraining: Bool
  /// Statistics of the batch, in the order of the layers; nil for those that stay as they are.
  public private(set) var observed: [Tensor?] = []

  public init(isTraining: Bool) { self.isTraining = isTraining }

  /// Remembers statistics for ``Layer/absorb(_:momentum:)``.
  public mutating func observe(_ statistics: Tensor...) {
    observed += statistics.map(\.detached)
  }

  /// Leaves the next statistics as they are: a frozen layer's.
  public mutating func keepStatistics(_ count: Int) {
    observed += [Tensor?](repeating: nil, count: count)
  }
}
