import Settings

/// The metric that a learner stays near to.
public enum PriorMetric: String, CaseIterable, Sendable {
  case identity
  /// The inverse covariance of the rows.
  case covariance

  static func setting<Root>(_ path: Setting<Root>.Path<PriorMetric>) -> Setting<Root> {
    Setting("prior", path, "the metric it stays near to: the identity, or the inverse covariance")
  }

  /// A factor C of M₀ = C Cᵀ, and the inverse of M₀.
  func factor(_ problem: LearningProblem) throws(Failure) -> (factor: Matrix, inverse: Matrix) {
    let d = problem.width
    guard self == .covariance else { return (Matrix(identity: d), Matrix(identity: d)) }
    try problem.requireRows(2)
    let covariance = problem.rows.centered().gram() * (1 / Double(problem.count - 1))
    guard let cholesky = Cholesky(covariance) else {
      throw problem.failure(
        "the covariance of the rows has no inverse", expected: "columns that all differ",
        remedy: "drop constant and collinear columns, or set prior: \"identity\"")
    }
    return (cholesky.inverseOfLower.transposed, covariance)
  }
}

extension LearningProblem {
  /// How much a pair differs in each column, for the pairs that differ at all.
  func differing(_ pairs: [RowPair]) throws(Failure) -> (differences: Matrix, isAlike: [Bool]) {
    let all = differences(rows, pairs.map { ($0.first, $0.second) })
    let kept = pairs.indices.filter { i in all.row(i).contains { $0 != 0 } }
    guard !kept.isEmpty else {
      throw failure("no pair is of two rows that differ", expected: "pairs of different rows")
    }
    return (all.rows(at: kept), kept.map { pairs[$0].isAlike })
  }
}

extension Matrix {
  /// vᵀ M v for each row v of `differences`, for this positive semi-definite M.
  func squares(of differences: Matrix) -> [Double] { differences.forms(self).map { max(0, $0) } }

  /// vᵀ X v for each row v of this matrix.
  func forms(_ x: Matrix) -> [Double] {
    let products = times(x)
    let d = columns
    return products.elements.withUnsafeBufferPointer { products in
      elements.withUnsafeBufferPointer { own in
        guard let products = products.baseAddress, let own = own.baseAddress else {
          return [Double](repeating: 0, count: rows)
        }
        return (0..<rows).map { innerProduct(products + $0 * d, own + $0 * d, d) }
      }
    }
  }

  /// The sum of w v vᵀ over the rows v of this matrix.
  func weightedGram(_ weights: [Double]) -> Matrix {
    scalingRows(by: weights).times(self, transposingSelf: true).symmetrized()
  }
}
