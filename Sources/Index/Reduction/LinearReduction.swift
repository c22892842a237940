import Autodiff
import Settings

/// How vectors are made shorter before they are indexed.
public enum ReductionMethod: String, CaseIterable, Sendable {
  case none
  /// The first numbers, for models that were trained so (matryoshka).
  case leading
  /// The directions of the largest variance.
  case pca
  /// The directions in which inner products of the vectors with each other change least.
  case leanvec
  /// The same for inner products with given queries: two maps, one for queries, one for vectors.
  case leanvecQueries = "leanvec-queries"
  /// A map under which neighbours stay alike, learned step by step.
  case tldr
}

/// Linear maps to fewer dimensions, which go into an index, so that it takes the queries as they are.
public struct LinearReduction: Sendable {
  /// What is done to a query.
  public let queryTransforms: [VectorTransform]
  /// What is done to a vector of the index.
  public let vectorTransforms: [VectorTransform]

  /// Rows that a reduction looks at; more are drawn at random.
  static let largestSample = 100_000

  /// Learns a reduction.
  ///
  /// - Parameters:
  ///   - vectors: shape [n, d].
  ///   - dimension: what is left of d; 1 to d.
  ///   - metric: what near means. For distances, principal components are taken around the mean;
  ///     for inner products, which a shift would change, around zero, as LeanVec does.
  ///   - queries: shape [m, d]; what `leanvecQueries` is made for.
  /// - Throws: if the dimension does not fit, there are no vectors, or queries are missing.
  public init(
    _ method: ReductionMethod, of vectors: Tensor, to dimension: Int, metric: ExactIndex.Metric,
    queries: Tensor? = nil, seed: Int = 0, name: String = "vectors",
    onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) {
    let vectors = try vectors.checkedVectors(name: name)
    let (n, d) = (vectors.shape[0], vectors.shape[1])
    guard method == .none || (1...d).contains(dimension) else {
      throw Failure(
        .badUsage, at: "dimension", "\(dimension) of \(d) numbers are to be left",
        expected: "1 to \(d)", remedy: "set dimension in --params")
    }
    guard method == .none || n > 0 else {
      throw Failure(.badData, at: name, "there are no vectors to learn a reduction from")
    }
    let random = Random(seed: UInt64(bitPattern: Int64(seed))).split("reduction")
    let sample = vectors.randomRows(LinearReduction.largestSample, random: random.split("vectors"))
    let normalizing: [VectorTransform] = metric == .innerProduct ? [.unitLength(dimension)] : []
    let transforms: [VectorTransform]
    switch method {
    case .none: transforms = []
    case .leading:
      let first = Tensor.identity(dimension, d).converted(to: .float32)
      transforms = [.linear(first, bias: nil)] + normalizing
    case .pca:
      transforms = [principalComponents(of: sample, dimension, isCentered: metric == .l2)]
    case .leanvec:
      transforms = [principalComponents(of: sample, dimension, isCentered: false)]
    case .leanvecQueries:
      let asked = try LinearReduction.checked(queries, dimension: d, metric: metric)
        .randomRows(10_000, random: random.split("queries"))
      let maps = LeanVec(
        queries: asked.secondMoments(), vectors: sample.secondMoments(), dimension: dimension)
      queryTransforms = [.linear(maps.query.converted(to: .float32), bias: nil)]
      vectorTransforms = [.linear(maps.vector.converted(to: .float32), bias: nil)]
      return
    case .tldr:
      let map = try NeighborReduction().learned(
        from: vectors, dimension: dimension, random: random.split("steps"), onProgress: onProgress)
      transforms = [map] + normalizing
    }
    (queryTransforms, vectorTransforms) = (transforms, transforms)
  }

  private static func checked(
    _ queries: Tensor?, dimension: Int, metric: ExactIndex.Metric
  ) throws(Failure) -> Tensor {
    guard metric == .innerProduct else {
      throw Failure(
        .badUsage, at: "reduction", "leanvec-queries keeps inner products, not distances",
        expected: "vectors of unit length, or --metric inner-product",
        remedy: "take reduction: \"leanvec\" or \"pca\"")
    }
    guard let queries, queries.shape.count == 2, queries.shape[0] > 0 else {
      throw Failure(
        .badUsage, at: "reduction", "leanvec-queries learns from queries and there are none",
        expected: "a sample of them", remedy: "give --queries Q.npy")
    }
    return try queries.checkedQueries(dimension: dimension, count: 1, name: "queries")
  }
}

/// The projection onto the directions of the largest variance, or length.
///
/// - Reference: Pearson (1901); around zero it is LeanVec for queries like the vectors (Tepper et
///   al., 2023).
func principalComponents(of rows: Tensor, _ dimension: Int, isCentered: Bool) -> VectorTransform {
  let mean = isCentered ? rows.columnMeans() : nil
  let directions = rows.secondMoments(around: mean).leadingEigenvectors(dimension)
  let bias = mean.map { mean in
    directions.times(Tensor(mean, shape: [mean.count, 1])).elements(as: Double.self)
      .map { Float(0 - $0) }
  }
  return .linear(directions.converted(to: .float32), bias: bias)
}

extension Tensor {
  /// At most some of the rows, drawn at random, in their order.
  func randomRows(_ count: Int, random: Random) -> Tensor {
    guard shape[0] > count else { return self }
    var random = random
    return detached.rows(at: random.permutation(shape[0]).prefix(count).sorted())
  }
}
