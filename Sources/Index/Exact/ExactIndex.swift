import Autodiff
import Settings

/// Vectors that are searched by comparing every one of them with the query.
///
/// Neighbours and scores are those of sums in float64 over the numbers as they were given, float32
/// or float64; float32 products only choose what is worth such a sum (``ExactSearch``).
public struct ExactIndex: Sendable {
  /// What near means.
  public enum Metric: String, CaseIterable, Sendable {
    /// The largest inner product; the cosine similarity for rows of unit length.
    case innerProduct = "inner-product"
    /// The smallest Euclidean distance.
    case l2
  }

  /// Shape [n, d], in the precision that was given; a vector's id is its row.
  let rows: Tensor
  public let metric: Metric
  let frame: ExactFrame

  /// - Throws: if the vectors are not a matrix of numbers that are finite in float32.
  public init(_ vectors: Tensor, metric: Metric, name: String = "vectors") throws(Failure) {
    try self.init(vectors, metric: metric, isCosine: false, name: name)
  }

  /// - Parameter isCosine: whether inner products are those of rows and queries brought to unit length;
  ///   rows of zeros have the product 0 with all.
  package init(
    _ vectors: Tensor, metric: Metric, isCosine: Bool, name: String = "vectors"
  ) throws(Failure) {
    precondition(!isCosine || metric == .innerProduct, "ExactIndex: cosines are inner products")
    try vectors.checkRows(name: name)
    rows = vectors.detached
    self.metric = metric
    frame = rows.withNumbers(
      { ExactFrame($0, columns: vectors.shape[1], metric: metric, isCosine: isCosine) },
      { ExactFrame($0, columns: vectors.shape[1], metric: metric, isCosine: isCosine) })
  }

  /// Shape [n, d], float32.
  public var vectors: Tensor { rows.converted(to: .float32) }
  public var count: Int { rows.shape[0] }
  public var dimension: Int { rows.shape[1] }
}

/// What a search found: for each query the same number of neighbours, best first.
public struct Neighbors: Sendable, Equatable {
  /// Neighbours per query: what was asked for, or all vectors if there are fewer.
  public let countPerQuery: Int
  /// Rows of the index, query by query.
  public let ids: [Int]
  /// Inner products (larger is nearer) or squared Euclidean distances (smaller is nearer), as
  /// FAISS returns them.
  public let scores: [Double]

  package init(countPerQuery: Int, ids: [Int], scores: [Double]) {
    (self.countPerQuery, self.ids, self.scores) = (countPerQuery, ids, scores)
  }

  public subscript(query: Int) -> [(id: Int, score: Double)] {
    (query * countPerQuery..<(query + 1) * countPerQuery).map { (ids[$0], scores[$0]) }
  }
}

extension ExactIndex {
  /// Finds the nearest vectors of each query; of equally near ones the smaller id comes first.
  ///
  /// - Parameters:
  ///   - queries: shape [m, d].
  ///   - count: how many to find; all of them if there are fewer.
  /// - Complexity: O(m n d) time; memory for the result and one block of products.
  public func search(_ queries: Tensor, count: Int, name: String = "queries") throws(Failure)
    -> Neighbors
  {
    try search(queries, count: count, ids: nil, name: name)
  }

  /// - Parameter ids: the id of each row, by which equally near ones are ordered; nil for row numbers.
  ///   What is found are rows.
  func search(_ queries: Tensor, count: Int, ids: [Int]?, name: String) throws(Failure)
    -> Neighbors
  {
    try queries.checkRows(name: name)
    try queries.checkQueries(dimension: dimension, count: count, name: name)
    let queries = queries.detached
    return rows.withNumbers(
      { ExactSearch($0, frame, dimension, metric, ids: ids).run(queries, count: count) },
      { ExactSearch($0, frame, dimension, metric, ids: ids).run(queries, count: count) })
  }

  /// The scores of all rows of some vectors beside one query, as a search of them gives them.
  ///
  /// - Parameters:
  ///   - query: shape [1, d].
  ///   - isCosine: see ``init(_:metric:isCosine:name:)``.
  package static func scores(
    of vectors: Tensor, to query: Tensor, metric: Metric, isCosine: Bool = false
  ) -> [Double] {
    let (count, columns) = (vectors.shape[0], vectors.shape[1])
    var wide = query.elements(as: Double.self)
    if isCosine {
      let factor = wide.withUnsafeBufferPointer { ExactFrame.factor(of: $0) }
      for j in wide.indices { wide[j] *= factor }
    }
    var scores = [Double](repeating: 0, count: count)
    func fill<S: Scalar>(_ base: UnsafeBufferPointer<S>) {
      guard let start = base.baseAddress, count > 0 else { return }
      RowKernels<S>().scores(
        &scores, from: wide, to: start, rows: nil, count: count, columns: columns,
        isSquared: metric == .l2)
      guard isCosine else { return }
      for row in 0..<count {
        scores[row] *= ExactFrame.factor(
          of: UnsafeBufferPointer(rebasing: base[row * columns..<(row + 1) * columns]))
      }
    }
    vectors.withNumbers({ fill($0) }, { fill($0) })
    return scores.map { $0 + 0 }
  }
}

extension Tensor {
  /// More columns than any index file has room for.
  static let mostColumns = 1 << 24

  /// Calls one of two bodies, by the precision.
  func withNumbers<Result>(
    _ single: (UnsafeBufferPointer<Float>) -> Result,
    _ double: (UnsafeBufferPointer<Double>) -> Result
  ) -> Result {
    switch dtype {
    case .float32: withElements(of: Float.self, single)
    case .float64: withElements(of: Double.self, double)
    }
  }

  /// Fails unless this is a matrix of numbers that are finite in float32.
  func checkRows(name: String) throws(Failure) {
    guard shape.count == 2, (1...Tensor.mostColumns).contains(shape[1]) else {
      throw Failure(
        .badData, at: name, "the vectors have shape \(shape)",
        expected: "[rows, columns] with 1 to \(Tensor.mostColumns) columns")
    }
    let bad = withNumbers(
      { x in x.firstIndex { !$0.isFinite } }, { x in x.firstIndex { !Float($0).isFinite } })
    if let bad {
      throw Failure(
        .badData, at: "\(name): row \(bad / shape[1]), column \(bad % shape[1])",
        "this is not a finite float32 number", remedy: "remove the row or mend it")
    }
  }

  /// A matrix of finite float32 numbers, or a failure that says what is not.
  func checkedVectors(name: String) throws(Failure) -> Tensor {
    try checkRows(name: name)
    return converted(to: .float32)
  }
}
