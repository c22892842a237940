/// An n-dimensional array of floating-point numbers, stored by rows.
///
/// A tensor is a value; copies share storage until one is changed. A tensor made by a
/// differentiable operation also remembers how; see ``valueWithGradient(at:of:)``.
public struct Tensor: Sendable {
  public let shape: [Int]
  public let dtype: DType
  var storage: Storage
  let node: Node?

  init(shape: [Int], dtype: DType, storage: Storage, node: Node? = nil) {
    (self.shape, self.dtype, self.storage, self.node) = (shape, dtype, storage, node)
  }
}

// MARK: - Making tensors

extension Tensor {
  /// Creates a tensor whose elements `body` writes, every one of them.
  public init<S: Scalar>(
    shape: [Int], of _: S.Type, initializingWith body: (UnsafeMutableBufferPointer<S>) -> Void
  ) {
    let count = shape.reduce(1, *)
    precondition(shape.allSatisfy { $0 >= 0 }, "Tensor: shape \(shape) has a negative length")
    let storage = Storage(byteCount: count * MemoryLayout<S>.stride)
    self.init(shape: shape, dtype: S.dtype, storage: storage)
    body(
      UnsafeMutableBufferPointer(start: storage.base.assumingMemoryBound(to: S.self), count: count))
  }

  /// Creates a tensor from elements listed by rows.
  public init<S: Scalar>(_ elements: [S], shape: [Int]) {
    precondition(
      elements.count == shape.reduce(1, *),
      "Tensor: \(elements.count) elements do not fill shape \(shape)")
    self.init(shape: shape, of: S.self) { _ = $0.update(fromContentsOf: elements) }
  }

  public init(repeating value: Double, shape: [Int], dtype: DType) {
    switch dtype {
    case .float32:
      self.init(shape: shape, of: Float.self) { $0.update(repeating: Float(value)) }
    case .float64:
      self.init(shape: shape, of: Double.self) { $0.update(repeating: value) }
    }
  }

  public init(zeros shape: [Int], dtype: DType) {
    self.init(repeating: 0, shape: shape, dtype: dtype)
  }

  /// A tensor of one number, of shape [].
  public init(_ value: Double, dtype: DType) {
    self.init(repeating: value, shape: [], dtype: dtype)
  }

  /// Draws every element from the normal distribution with mean 0.
  public init(normal shape: [Int], deviation: Double, dtype: DType, random: inout Random) {
    let values = (0..<shape.reduce(1, *)).map { _ in random.normal() * deviation }
    self = Tensor(values, shape: shape).converted(to: dtype)
  }

  /// Draws every element from the uniform distribution over -bound ... bound.
  public init(uniform shape: [Int], bound: Double, dtype: DType, random: inout Random) {
    let values = (0..<shape.reduce(1, *)).map { _ in random.uniform(in: -bound...bound) }
    self = Tensor(values, shape: shape).converted(to: dtype)
  }
}

// MARK: - Looking into tensors

extension Tensor {
  public var count: Int { shape.reduce(1, *) }
  /// Whether operations on this tensor are recorded.
  public var isRecorded: Bool { node != nil }
  /// The same values, forgetting where they came from.
  public var detached: Tensor { Tensor(shape: shape, dtype: dtype, storage: storage) }

  /// The only element of a tensor of one element.
  public var item: Double {
    precondition(count == 1, "item: a tensor of shape \(shape) has \(count) elements")
    return switch dtype {
    case .float32: withElements(of: Float.self) { Double($0[0]) }
    case .float64: withElements(of: Double.self) { $0[0] }
    }
  }

  /// The elements by rows, converted if need be.
  public func elements<S: Scalar>(as _: S.Type = S.self) -> [S] {
    guard S.dtype != dtype else { return withElements(of: S.self) { Array($0) } }
    return switch dtype {
    case .float32: withElements(of: Float.self) { $0.map { S($0) } }
    case .float64: withElements(of: Double.self) { $0.map { S($0) } }
    }
  }

  /// The same values in another precision, without history.
  public func converted(to dtype: DType) -> Tensor {
    guard dtype != self.dtype else { return detached }
    return switch dtype {
    case .float32: Tensor(elements(as: Float.self), shape: shape)
    case .float64: Tensor(elements(as: Double.self), shape: shape)
    }
  }

  /// Calls `body` with the elements as they lie in memory; `S` must be the tensor's own type.
  public func withElements<S: Scalar, Result>(
    of _: S.Type, _ body: (UnsafeBufferPointer<S>) throws -> Result
  ) rethrows -> Result {
    precondition(S.dtype == dtype, "withElements: the tensor is \(dtype), not \(S.dtype)")
    defer { withExtendedLifetime(storage) {} }
    return try body(
      UnsafeBufferPointer(start: storage.base.assumingMemoryBound(to: S.self), count: count))
  }

  /// Changes the elements in place, copying them first if another tensor shares them.
  public mutating func updateElements<S: Scalar, Result>(
    of _: S.Type, _ body: (UnsafeMutableBufferPointer<S>) throws -> Result
  ) rethrows -> Result {
    precondition(S.dtype == dtype, "updateElements: the tensor is \(dtype), not \(S.dtype)")
    precondition(node == nil, "updateElements: a recorded tensor cannot be changed")
    if !isKnownUniquelyReferenced(&storage) {
      let copy = Storage(byteCount: storage.byteCount)
      copy.base.copyMemory(from: storage.base, byteCount: storage.byteCount)
      storage = copy
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(
      UnsafeMutableBufferPointer(start: storage.base.assumingMemoryBound(to: S.self), count: count))
  }
}
