import Autodiff
import Settings

/// What is done to a query, and was done to the vectors, before they are compared.
public enum VectorTransform: Sendable {
  /// x Aᵀ + b, with A of shape [outputs, inputs] and b of shape [outputs].
  case linear(Tensor, bias: [Float]?)
  /// x / ‖x‖; zero stays zero.
  case unitLength(Int)

  public var inputs: Int {
    switch self {
    case .linear(let matrix, _): matrix.shape[1]
    case .unitLength(let width): width
    }
  }

  public var outputs: Int {
    switch self {
    case .linear(let matrix, _): matrix.shape[0]
    case .unitLength(let width): width
    }
  }

  public func callAsFunction(_ vectors: Tensor) -> Tensor {
    switch self {
    case .linear(let matrix, let bias):
      affine(
        vectors, weight: matrix, bias: bias.map { Tensor($0, shape: [$0.count]) },
        activation: .none)
    case .unitLength: vectors.normalizedRows()
    }
  }
}

extension [VectorTransform] {
  /// Vectors after one transform and the next.
  public func applied(to vectors: Tensor) -> Tensor { reduce(vectors) { $1($0) } }
}

/// An index of transformed vectors that takes raw queries, so that an adapter ships inside it.
public struct TransformedIndex: VectorIndex {
  public let transforms: [VectorTransform]
  public let base: any VectorIndex

  /// - Parameter base: the index of the vectors that the transforms make.
  public init(_ transforms: [VectorTransform], _ base: any VectorIndex) {
    precondition(
      zip(transforms, transforms.dropFirst()).allSatisfy { $0.outputs == $1.inputs }
        && transforms.last.map { $0.outputs == base.dimension } ?? true,
      "TransformedIndex: the widths do not follow each other")
    (self.transforms, self.base) = (transforms, base)
  }

  public var metric: ExactIndex.Metric { base.metric }
  public var dimension: Int { transforms.first?.inputs ?? base.dimension }
  public var count: Int { base.count }

  public func search(
    _ queries: Tensor, count: Int, effort: SearchEffort, name: String
  ) throws(Failure) -> Neighbors {
    let queries = try queries.checkedQueries(dimension: dimension, count: count, name: name)
    return try base.search(
      transforms.applied(to: queries), count: count, effort: effort, name: name)
  }

  public func compared(_ queries: Tensor) -> Tensor {
    base.compared(transforms.applied(to: queries))
  }

  public func storedVectors() throws(Failure) -> Tensor { try base.storedVectors() }
}
