import Foundation
import Settings

/// Least squares of what quadruplets violate, near a prior in LogDet divergence.
///
/// For quadruplets d(a, b) < d(c, d): Σ w [√d_ab - √d_cd]₊² + tr(M M₀⁻¹) - log det M, with equal
/// weights of sum 1 and d = vᵀ M v. It is convex, since -√(d_ab d_cd) is.
public struct LeastSquaresLearner: MetricLearner {
  public var prior = PriorMetric.identity
  public var constraints = 0
  public var maxIterations = 1000
  public var tolerance = 1e-9

  public init() {}

  public static let summary = "least squares of violated comparisons of two pairs each"
  public static let source =
    "Liu, Guo, Xiong, Lin and Li, Metric learning from relative comparisons by minimizing squared "
    + "residual (2012)"
  public static let supervision = [Supervision.quadruplets, .labels]
  public static let settings = [
    PriorMetric.setting(\Self.prior),
    constraintsSetting(\Self.constraints),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...10_000_000),
    Setting(
      "tolerance", \Self.tolerance, "a gradient, in units of M, no longer than this ends it",
      in: 0...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let quadruplets = try problem.quadruplets(drawing: constraints)
    let near = differences(problem.rows, quadruplets.map(\.near))
    let far = differences(problem.rows, quadruplets.map(\.far))
    let (factor, inverse) = try prior.factor(problem)
    var descent = FactoredDescent()
    (descent.maxIterations, descent.tolerance) = (maxIterations, tolerance)
    let result = descent.minimize(from: factor) { metric in
      LeastSquaresLearner.function(metric, near, far, inverse)
    }
    return LearnedMetric(
      metric: result.metric, components: problem.components, objective: result.value,
      iterations: result.iterations, certificate: result.residual,
      certifies: "length of the gradient in units of M")
  }

  /// The objective and its gradient in M; nil unless M is positive definite.
  package static func value(
    _ metric: Matrix, near: Matrix, far: Matrix, inversePrior: Matrix
  ) -> (value: Double, gradient: Matrix)? {
    function(metric, near, far, inversePrior).map { ($0.value, $0.gradient) }
  }

  private static func function(
    _ metric: Matrix, _ near: Matrix, _ far: Matrix, _ inversePrior: Matrix
  ) -> MatrixFunction? {
    guard let cholesky = Cholesky(metric) else { return nil }
    let (a, b) = (metric.squares(of: near), metric.squares(of: far))
    let weight = 1 / Double(max(1, a.count))
    var value = metric.inner(inversePrior) - cholesky.logDeterminant
    let active = a.indices.filter { a[$0] > b[$0] }
    let (p, q) = (near.rows(at: active), far.rows(at: active))
    var (ofNear, ofFar, bendNear, bendFar) = ([Double](), [Double](), [Double](), [Double]())
    for i in active {
      let (x, y) = (a[i].squareRoot(), b[i].squareRoot())
      value += weight * (x - y) * (x - y)
      ofNear.append(weight * (1 - y / x))
      // A far pair that does not differ has no direction.
      ofFar.append(y > 0 ? weight * (1 - x / y) : 0)
      // The second derivative in (a, b) is of rank one: the square of these two.
      bendNear.append((weight / 2 * y / (x * x * x)).squareRoot())
      bendFar.append(y > 0 ? (weight / 2 * x / (y * y * y)).squareRoot() : 0)
    }
    return MatrixFunction(
      value: value,
      gradient: inversePrior - cholesky.inverse + p.weightedGram(ofNear) + q.weightedGram(ofFar)
    ) { x in
      let (onNear, onFar) = (p.forms(x), q.forms(x))
      let shares = onNear.indices.map { bendNear[$0] * onNear[$0] - bendFar[$0] * onFar[$0] }
      return p.weightedGram(zip(shares, bendNear).map { $0 * $1 })
        - q.weightedGram(zip(shares, bendFar).map { $0 * $1 })
    }
  }
}
