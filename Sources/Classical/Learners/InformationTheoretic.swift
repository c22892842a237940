import Autodiff
import Foundation
import Settings

/// The metric nearest to a prior in LogDet divergence under which alike pairs are near and unlike far.
///
/// With slack variables at their best the problem is a smooth convex function of M alone:
/// F(M) = tr(M M₀⁻¹) - log det(M M₀⁻¹) - D + γ Σ alike h(max(d, u) / u) + γ Σ unlike h(min(d, l) / l),
/// h(r) = r - log r - 1, d = vᵀ M v. What cyclic projections approach in minutes, quasi-Newton steps
/// on a factor of M reach in well below a second.
public struct InformationTheoreticLearner: MetricLearner {
  public var prior = PriorMetric.identity
  public var gamma = 1.0
  public var bounds: [Double] = []
  public var constraints = 0
  public var maxIterations = 1000
  public var tolerance = 1e-9

  public init() {}

  public static let summary = "stays near a prior metric while pairs keep to bounds"
  public static let source =
    "Davis, Kulis, Jain, Sra and Dhillon, Information-theoretic metric learning (2007)"
  public static let supervision = [Supervision.pairs, .labels]
  public static let settings = [
    PriorMetric.setting(\Self.prior),
    Setting("gamma", \Self.gamma, "the weight of what pairs violate", in: 1e-9...1e9),
    Setting(
      "bounds", \Self.bounds,
      "the greatest squared distance of an alike pair and the least of an unlike one; empty: the 5th "
        + "and 95th percentile of those between rows in pairs", in: 0...1e300),
    constraintsSetting(\Self.constraints),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...10_000_000),
    Setting(
      "tolerance", \Self.tolerance, "a gradient, in units of M, no longer than this ends it",
      in: 0...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let pairs = try problem.pairs(drawing: constraints)
    let (v, isAlike) = try problem.differing(pairs)
    let limits = try resolvedBounds(problem, pairs)
    let (factor, inverse) = try prior.factor(problem)
    var descent = FactoredDescent()
    (descent.maxIterations, descent.tolerance) = (maxIterations, tolerance)
    let result = descent.minimize(from: factor) { metric in
      boundedPairs(metric, inverse, v, isAlike, limits, gamma)
    }
    return LearnedMetric(
      metric: result.metric, components: problem.components, objective: result.value,
      iterations: result.iterations, certificate: result.residual,
      certifies: "length of the gradient in units of M")
  }

  /// The bounds that were set, or percentiles of the squared distances between rows in pairs.
  private func resolvedBounds(
    _ problem: LearningProblem, _ pairs: [RowPair]
  ) throws(Failure) -> (near: Double, far: Double) {
    guard bounds.isEmpty else {
      guard bounds.count == 2 else {
        throw Failure(
          .badData, at: "learner: bounds", "\(bounds.count) numbers",
          expected: "two: of alike and of unlike pairs")
      }
      // A bound of 0 would allow no difference at all.
      return (max(bounds[0], 1e-9), max(bounds[1], 1e-9))
    }
    return pairBounds(problem.rows, rows: pairs.flatMap { [$0.first, $0.second] }, problem.random)
  }
}

func constraintsSetting<Root>(_ path: Setting<Root>.Path<Int>) -> Setting<Root> {
  Setting(
    "constraints", path,
    "with labels: how many pairs are drawn, alike and unlike ones as many each; 0: 20 classes²",
    in: 0...100_000_000)
}

/// The 5th and 95th percentile of the squared distances between distinct rows.
///
/// Of more than 2,000 rows, those that the seed draws stand for all.
func pairBounds(_ x: Matrix, rows: [Int], _ random: Random) -> (near: Double, far: Double) {
  var distinct: [[Double]: Int] = [:]
  for row in Set(rows).sorted() where distinct[Array(x.row(row))] == nil {
    distinct[Array(x.row(row))] = row
  }
  var random = random.split("bounds")
  var used = distinct.values.sorted()
  if used.count > 2000 { used = random.permutation(used.count).prefix(2000).map { used[$0] } }
  var squares: [Double] = []
  let d = x.columns
  x.elements.withUnsafeBufferPointer { x in
    guard let base = x.baseAddress else { return }
    for a in used.indices {
      for b in 0..<a {
        squares.append(squaredDistance(base + used[a] * d, base + used[b] * d, d))
      }
    }
  }
  squares.sort()
  return (max(1e-9, percentile(squares, 0.05)), max(1e-9, percentile(squares, 0.95)))
}

/// Between two sorted numbers by the share of the way, as NumPy does.
func percentile(_ sorted: [Double], _ share: Double) -> Double {
  guard let last = sorted.last else { return 0 }
  let place = share * Double(sorted.count - 1)
  let lower = Int(place)
  guard lower + 1 < sorted.count else { return last }
  return sorted[lower] + (place - Double(lower)) * (sorted[lower + 1] - sorted[lower])
}

/// tr(M M₀⁻¹) - log det(M M₀⁻¹) - D, and its gradient in M; nil unless M is positive definite.
func logDetTerm(_ metric: Matrix, _ inversePrior: Matrix) -> (value: Double, gradient: Matrix)? {
  guard let cholesky = Cholesky(metric), let prior = Cholesky(inversePrior) else { return nil }
  let divergence =
    metric.inner(inversePrior) - cholesky.logDeterminant - prior.logDeterminant
    - Double(metric.rows)
  return (divergence, inversePrior - cholesky.inverse)
}

/// What `itml` minimises, over the pairs with the differences v.
func boundedPairs(
  _ metric: Matrix, _ inversePrior: Matrix, _ v: Matrix, _ isAlike: [Bool],
  _ bounds: (near: Double, far: Double), _ gamma: Double
) -> MatrixFunction? {
  guard let base = logDetTerm(metric, inversePrior) else { return nil }
  let squares = metric.squares(of: v)
  var value = base.value
  var (slopes, bends) = (
    [Double](repeating: 0, count: squares.count), [Double](repeating: 0, count: squares.count)
  )
  for i in squares.indices {
    let bound = isAlike[i] ? bounds.near : bounds.far
    let square = max(squares[i], 1e-300)
    let ratio = square / bound
    guard isAlike[i] ? ratio > 1 : ratio < 1 else { continue }
    value += gamma * (ratio - 1 - log(ratio))
    slopes[i] = gamma * (1 - 1 / ratio) / bound
    bends[i] = gamma / (square * square)
  }
  let active = bends.indices.filter { bends[$0] > 0 }
  let (u, weights) = (v.rows(at: active), active.map { bends[$0] })
  return MatrixFunction(value: value, gradient: base.gradient + v.weightedGram(slopes)) { x in
    u.weightedGram(zip(u.forms(x), weights).map { $0 * $1 })
  }
}
