import Foundation
import Settings

/// A sparse metric near a prior that brings alike pairs near and unlike ones apart.
///
/// min tr(S M) - log det M + α Σ i≠j |M_ij|, S = M₀⁻¹ + balance Σ ±v vᵀ: the graphical lasso of S. S
/// must be positive definite; the greatest balance that leaves half of M₀⁻¹ is the default, at most
/// 0.5.
/// - Complexity: O(columns³) for a sweep.
public struct SparseDeterminantLearner: MetricLearner {
  public var prior = PriorMetric.identity
  public var balance: Double?
  public var sparsity = 0.01
  public var constraints = 0
  public var maxIterations = 10_000
  public var tolerance = 1e-11

  public init() {}

  public static let summary = "a sparse metric from pairs, by the graphical lasso"
  public static let source =
    "Qi, Tang, Zha, Chua and Zhang, An efficient sparse metric learning in high-dimensional space "
    + "via l1-penalized log-determinant regularization (2009); Friedman, Hastie and Tibshirani, "
    + "Sparse inverse covariance estimation with the graphical lasso (2008)"
  public static let supervision = [Supervision.pairs, .labels]
  public static let settings = [
    PriorMetric.setting(\Self.prior),
    Setting(
      "balance", \Self.balance,
      "the weight of the pairs; null: 0.5, or less if S needs it to be definite", in: 0...1e30),
    Setting("sparsity", \Self.sparsity, "the weight α of |M_ij| off the diagonal", in: 0...1e30),
    constraintsSetting(\Self.constraints),
    Setting("maxIterations", \Self.maxIterations, "the most sweeps", in: 1...10_000_000),
    Setting("tolerance", \Self.tolerance, "a duality gap no larger than this ends it", in: 0...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let (v, isAlike) = try problem.differing(try problem.pairs(drawing: constraints))
    let (factor, inverse) = try prior.factor(problem)
    let pairs = v.weightedGram(isAlike.map { $0 ? 1 : -1 })
    // The greatest share of the pairs that M₀⁻¹ outweighs.
    let least =
      Spectrum(
        factor.times(pairs, transposingSelf: true).times(factor).symmetrized()
      ).values.last ?? 0
    let largest = least < 0 ? -1 / least : Double.infinity
    let weight = balance ?? min(0.5, 0.5 * largest)
    let s = (inverse + pairs * weight).symmetrized()
    guard weight < largest, Cholesky(s) != nil else {
      throw problem.failure(
        "with balance \(weight) the unlike pairs outweigh the prior, so there is no optimum",
        expected: "balance below \(largest)", remedy: "lower it, or leave it out")
    }
    let lasso = GraphicalLasso(
      s, penalty: sparsity, maxSweeps: maxIterations, tolerance: tolerance)
    var notes: [String] = []
    if balance == nil, weight < 0.5 {
      notes.append("balance is \(weight): more, and unlike pairs would outweigh the prior")
    }
    return LearnedMetric(
      metric: lasso.precision, components: problem.components, objective: lasso.objective,
      iterations: lasso.sweeps, certificate: lasso.gap, certifies: "duality gap", notes: notes)
  }
}

/// The sparse inverse M of a covariance S: min tr(S M) - log det M + α Σ i≠j |M_ij|.
///
/// A column of W = M⁻¹ at a time, by coordinate descent. W stays within α of S, so that it bounds
/// the optimum from below: log det W + size.
struct GraphicalLasso {
  private(set) var precision: Matrix
  private(set) var objective = 0.0
  private(set) var gap = Double.infinity
  private(set) var sweeps = 0

  private let s: Matrix
  private let penalty: Double

  init(_ s: Matrix, penalty: Double, maxSweeps: Int, tolerance: Double) {
    (self.s, self.penalty) = (s, penalty)
    let n = s.rows
    var w = s
    var beta = Matrix(zeros: n, n)
    precision = Matrix(zeros: n, n)
    var idle = 0
    while sweeps < maxSweeps, gap > tolerance, idle < 20 {
      for column in 0..<n { GraphicalLasso.update(column, &w, &beta, s, penalty) }
      sweeps += 1
      let before = gap
      measure(w, beta)
      // Where rounding sets the limit, further sweeps change nothing.
      idle = gap < before * 0.999 ? 0 : idle + 1
    }
  }

  private static func update(
    _ column: Int, _ w: inout Matrix, _ beta: inout Matrix, _ s: Matrix, _ penalty: Double
  ) {
    let n = s.rows
    // b minimises ½ bᵀ W b - sᵀ b + α |b| over the other columns.
    var products = [Double](repeating: 0, count: n)
    for k in 0..<n where k != column && beta[column, k] != 0 {
      for i in 0..<n { products[i] += w[i, k] * beta[column, k] }
    }
    for _ in 0..<1000 {
      var largest = 0.0
      for k in 0..<n where k != column {
        let old = beta[column, k]
        let rest = s[k, column] - (products[k] - w[k, k] * old)
        let new = rest.magnitude > penalty ? (rest - (rest > 0 ? penalty : -penalty)) / w[k, k] : 0
        guard new != old else { continue }
        beta[column, k] = new
        for i in 0..<n { products[i] += w[i, k] * (new - old) }
        largest = max(largest, abs(new - old) * w[k, k])
      }
      if largest < 1e-15 * abs(s[column, column]) { break }
    }
    for i in 0..<n where i != column {
      w[i, column] = products[i]
      w[column, i] = products[i]
    }
  }

  /// The inverse of W with the zeros that the columns have, and how far from the optimum it is.
  private mutating func measure(_ w: Matrix, _ beta: Matrix) {
    let n = s.rows
    var m = Matrix(zeros: n, n)
    for column in 0..<n {
      var rest = w[column, column]
      for k in 0..<n where k != column { rest -= w[k, column] * beta[column, k] }
      guard rest > 0 else { return }
      m[column, column] = 1 / rest
      for k in 0..<n where k != column { m[k, column] = -beta[column, k] / rest }
    }
    m = m.symmetrized()
    var feasible = w
    for i in 0..<n {
      for j in 0..<n where i != j {
        feasible[i, j] = min(max(w[i, j], s[i, j] - penalty), s[i, j] + penalty)
      }
    }
    guard let primal = Cholesky(m), let dual = Cholesky(feasible.symmetrized()) else { return }
    let off = m.elements.reduce(0) { $0 + abs($1) } - m.diagonal.reduce(0) { $0 + abs($1) }
    let value = s.inner(m) - primal.logDeterminant + penalty * off
    let bound = dual.logDeterminant + Double(n)
    guard value - bound < gap else { return }
    (precision, objective, gap) = (m, value, max(0, value - bound))
  }
}
