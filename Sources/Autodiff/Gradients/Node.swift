import Synchronization

/// A step of a computation: which values it read, and how to send a derivative back to each.
///
/// A class because steps share their inputs. Nodes never change, so a graph may be read from any
/// thread and is freed with its last tensor.
final class Node: Sendable {
  /// Nodes are numbered as they are made, so an operation has a higher number than its inputs.
  let id: UInt64
  let name: StaticString
  let edges: [Edge]

  init(_ name: StaticString, edges: [Edge] = []) {
    id = Node.made.add(1, ordering: .relaxed).newValue
    (self.name, self.edges) = (name, edges)
  }
  private static let made = Atomic<UInt64>(0)
}

/// An input of a recorded operation, with the pullback of the operation in that input.
public struct Edge: Sendable {
  let source: Node
  /// Whether the pullback sees to the cotangent's factor.
  let takesFactor: Bool
  let pullback: Pullback
}

/// Sends a derivative in a result back to an input.
///
/// Whoever calls it lets go of the derivative where it can, so that its elements may be overwritten
/// if nobody else holds them.
public typealias Pullback = @Sendable (_ cotangent: consuming Cotangent) -> Cotangent

/// A derivative: a tensor times a number.
///
/// Pullbacks are linear, so the number can wait for a pass over the elements that is made anyway.
public struct Cotangent: Sendable {
  public let tensor: Tensor
  public let factor: Double

  public init(_ tensor: Tensor, times factor: Double = 1) {
    (self.tensor, self.factor) = (tensor, factor)
  }

  /// The derivative as a tensor.
  public var product: Tensor { factor == 1 ? tensor : tensor.scaled(by: factor) }
}

/// Where a tensor came from, without its elements, which may go before it is asked.
package struct Origin: Sendable {
  fileprivate let node: Node?

  package var isRecorded: Bool { node != nil }

  /// As ``Tensor/scaledEdge(_:)``.
  package func scaledEdge(_ pullback: @escaping Pullback) -> Edge? {
    node.map { Edge(source: $0, takesFactor: true, pullback: pullback) }
  }
}

extension Tensor {
  /// The elements and where they came from, each by itself.
  package consuming func separated() -> (values: Tensor, origin: Origin) {
    (Tensor(shape: shape, dtype: dtype, storage: storage), Origin(node: node))
  }

  /// Whether no other tensor, and no pullback, holds the elements.
  package var isUnshared: Bool {
    mutating get { isKnownUniquelyReferenced(&storage) }
  }

  /// Pairs this input with its pullback; nothing if the input is a constant.
  ///
  /// - Parameter pullback: turns the derivative in the result into the derivative in this input,
  ///   of this input's shape.
  public func edge(_ pullback: @escaping @Sendable (_ cotangent: Tensor) -> Tensor) -> Edge? {
    node.map { Edge(source: $0, takesFactor: false) { Cotangent(pullback($0.product)) } }
  }

  /// Pairs this input with a pullback that takes a factor, or leaves it to those that follow.
  public func scaledEdge(_ pullback: @escaping Pullback) -> Edge? {
    Origin(node: node).scaledEdge(pullback)
  }

  /// This value, recorded as the result of an operation on the given inputs.
  public func recorded(_ name: StaticString, _ edges: Edge?...) -> Tensor {
    recorded(name, edges: edges)
  }

  /// This value, recorded as the result of an operation on any number of inputs.
  public func recorded(_ name: StaticString, edges: [Edge?]) -> Tensor {
    AnomalyWatch.current?.look(at: self, of: name, id: nil)
    let edges = edges.compactMap { $0 }
    guard !edges.isEmpty else { return self }
    return Tensor(
      shape: shape, dtype: dtype, storage: storage, node: Node(name, edges: edges))
  }
}

/// What several pullbacks of one operation need, worked out by the first of them that runs.
///
/// A class because the pullbacks share it; it is freed with its operation.
public final class SharedPullback<Value: Sendable>: Sendable {
  private let found = Mutex<(cotangent: Tensor, value: Value)?>(nil)
  private let make: @Sendable (Tensor) -> Value

  public init(_ make: @escaping @Sendable (_ cotangent: Tensor) -> Value) { self.make = make }

  /// What `make` returns for this cotangent.
  public func callAsFunction(_ cotangent: Tensor) -> Value {
    found.withLock { found in
      if let found, found.cotangent.storage === cotangent.storage { return found.value }
      let value = make(cotangent)
      found = (cotangent, value)
      return value
    }
  }
}
