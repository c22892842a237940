import Synchronization

/// Where a computation first made a number that is NaN or infinite.
public struct Anomaly: Sendable, Equatable, CustomStringConvertible {
  /// The operation, as in "affine".
  public let operation: String
  /// Whether its derivative, rather than its value, is not finite.
  public let isDerivative: Bool
  /// What was being computed, as in "layer hidden1"; empty if nobody said.
  public let stage: String
  /// The shape of what is not finite.
  public let shape: [Int]
  /// NaN, or plus or minus infinity.
  public let value: Double

  public var description: String {
    let what =
      isDerivative ? "the derivative of operation '\(operation)'" : "operation '\(operation)'"
    return "\(what) gave \(value.isNaN ? "NaN" : value < 0 ? "-infinity" : "infinity")"
      + (stage.isEmpty ? "" : " in \(stage)")
  }
}

/// Runs a computation and tells the first operation in it whose value, or whose derivative, is NaN
/// or infinite.
///
/// Operations are looked at when they are made on this thread, derivatives when pullbacks run on it.
/// - Returns: what `body` returns, and the anomaly; nil if all numbers are finite.
/// - Complexity: one more pass over the result of each operation and of each pullback.
public func detectingAnomalies<Result>(
  _ body: () throws -> Result
) rethrows -> (result: Result, anomaly: Anomaly?) {
  let watch = AnomalyWatch()
  let result = try AnomalyWatch.$current.withValue(watch) { try body() }
  return (result, watch.first)
}

/// Says what is computed from here on, for the messages of ``detectingAnomalies(_:)``.
package func enterStage(_ name: @autoclosure () -> String) {
  AnomalyWatch.current?.enter(name())
}

/// Looks at operations; there is one only while anomalies are looked for.
///
/// A class because operations and pullbacks tell the same one.
final class AnomalyWatch: Sendable {
  @TaskLocal static var current: AnomalyWatch?

  private struct State {
    var first: Anomaly?
    /// The number of the first operation of each stage: pullbacks run after all stages are over.
    var stages: [(start: UInt64, name: String)] = []
    /// Whether pullbacks run, whose own operations are seen by what they give.
    var isDifferentiating = false
  }
  private let state = Mutex(State())

  var first: Anomaly? { state.withLock { $0.first } }

  func differentiates(_ isDifferentiating: Bool) {
    state.withLock { $0.isDifferentiating = isDifferentiating }
  }

  func enter(_ name: String) {
    // The number of this node is between those of the operations before and after it.
    let start = Node("stage").id
    state.withLock { $0.stages.append((start, name)) }
  }

  /// - Parameter id: the number of the operation; nil for the one that is made just now.
  func look(
    at tensor: @autoclosure () -> Tensor, of operation: StaticString, id: UInt64?
  ) {
    // Whatever follows the first one follows from it.
    guard state.withLock({ $0.first == nil && (id != nil || !$0.isDifferentiating) }) else {
      return
    }
    let tensor = tensor()
    guard !tensor.isFinite, let (_, value) = tensor.firstNotFinite else { return }
    state.withLock { state in
      let stage = state.stages.last { $0.start < id ?? .max }
      state.first = Anomaly(
        operation: "\(operation)", isDerivative: id != nil, stage: stage?.name ?? "",
        shape: tensor.shape, value: value)
    }
  }
}
