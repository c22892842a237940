/// A value that holds parameters: a layer, a loss with proxies, a tensor, or any group of these.
public protocol Parameterized: Sendable {
  /// Calls `body` with each parameter and its name, always in the same order.
  mutating func updateParameters(_ body: (_ name: String, inout Tensor) throws -> Void) rethrows
}

extension Parameterized {
  public mutating func updateParameters(
    _ body: (_ name: String, inout Tensor) throws -> Void
  ) rethrows {}

  /// The parameters with their names, in the order of ``updateParameters(_:)``.
  public var parameters: [(name: String, value: Tensor)] {
    var copy = self
    var result: [(String, Tensor)] = []
    copy.updateParameters { result.append(($0, $1)) }
    return result
  }
}

extension Tensor: Parameterized {
  public mutating func updateParameters(_ body: (String, inout Tensor) throws -> Void) rethrows {
    try body("", &self)
  }
}

/// Returns `f(point)` and its gradient, a value of the same type as `point`.
///
/// First order only: the gradient is not recorded.
///
/// - Parameter isTrained: whether the parameter of a name is differentiated in. One that is not has
///   gradient 0, which costs nothing: what depends on such parameters alone is not even recorded.
/// - Complexity: each operation's pullback runs once; each node, and what it kept, is freed as it
///   is passed.
public func valueWithGradient<Point: Parameterized>(
  at point: Point, where isTrained: (_ name: String) -> Bool = { _ in true },
  of f: (Point) throws -> Tensor
) rethrows -> (value: Tensor, gradient: Point) {
  var variable = point
  var leaves: [Node?] = []
  variable.updateParameters { name, parameter in
    guard isTrained(name) else {
      leaves.append(nil)
      return
    }
    let leaf = Node("parameter")
    leaves.append(leaf)
    parameter = Tensor(
      shape: parameter.shape, dtype: parameter.dtype, storage: parameter.storage, node: leaf)
  }
  let result = try f(variable)
  let value = result.detached
  let found = derivatives(of: consume result)
  var gradient = point
  var leaf = leaves.makeIterator()
  gradient.updateParameters { _, parameter in
    parameter =
      leaf.next().flatMap { $0 }.flatMap { found[$0.id] }
      ?? Tensor(zeros: parameter.shape, dtype: parameter.dtype)
  }
  return (value, gradient)
}

/// The derivative of `value` in every leaf that it came from.
private func derivatives(of value: consuming Tensor) -> [UInt64: Tensor] {
  precondition(
    value.count == 1, "gradient: the function must return one number, not shape \(value.shape)")
  guard let root = value.node else { return [:] }
  var derivatives = [
    root.id: Cotangent(Tensor(repeating: 1, shape: value.shape, dtype: value.dtype))
  ]
  var nodes = nodesInOrder(to: root)
  let watch = AnomalyWatch.current
  watch?.differentiates(true)
  defer { watch?.differentiates(false) }
  _ = consume root
  _ = consume value
  // Popping frees each operation, and what it kept, as soon as it is passed.
  while let node = nodes.popLast() {
    guard !node.edges.isEmpty, var cotangent = derivatives.removeValue(forKey: node.id) else {
      continue
    }
    if !node.edges.allSatisfy(\.takesFactor) { cotangent = Cotangent(cotangent.product) }
    func add(_ derivative: Cotangent, to node: Node) {
      derivatives[node.id] =
        derivatives[node.id].map { Cotangent($0.product + derivative.product) } ?? derivative
    }
    func send(_ derivative: Cotangent, to source: Node) {
      watch?.look(at: derivative.product, of: node.name, id: node.id)
      add(derivative, to: source)
    }
    for edge in node.edges.dropLast() { send(edge.pullback(cotangent), to: edge.source) }
    if let last = node.edges.last { send(last.pullback(consume cotangent), to: last.source) }
  }
  return derivatives.mapValues(\.product)
}

/// The nodes that `root` came from, each after its inputs.
private func nodesInOrder(to root: Node) -> [Node] {
  var found = [root.id: root]
  var pending = [root]
  while let node = pending.popLast() {
    for edge in node.edges where found.updateValue(edge.source, forKey: edge.source.id) == nil {
      pending.append(edge.source)
    }
  }
  return found.values.sorted { $0.id < $1.id }
}
