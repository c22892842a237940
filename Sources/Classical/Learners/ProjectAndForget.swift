import Autodiff
import Foundation
import Settings

/// Information-theoretic metric learning with every pair of rows as a constraint.
///
/// The objective of `itml` over all pairs of labelled rows, of which only the violated ones matter. An
/// oracle looks for these, the metric is projected onto what is remembered, and pairs that are
/// satisfied are forgotten, until the oracle finds none.
/// - Complexity: O(items² · columns) for a call of the oracle; memory for the violated pairs.
public struct ProjectAndForget: MetricLearner {
  public var prior = PriorMetric.identity
  public var gamma = 1.0
  public var bounds: [Double] = []
  public var maxIterations = 1000
  public var tolerance = 1e-7

  public init() {}

  public static let summary =
    "itml over every pair of rows: violated ones are found, the others forgotten"
  public static let source =
    "Sonthalia and Gilbert, Project and Forget: Solving large-scale metric constrained problems (2022)"
  public static let supervision = [Supervision.labels]
  public static let settings = [
    PriorMetric.setting(\Self.prior),
    Setting(
      "gamma", \Self.gamma,
      "the weight of what pairs violate, spread evenly over the pairs of each kind", in: 1e-9...1e12
    ),
    Setting(
      "bounds", \Self.bounds,
      "the greatest squared distance of an alike pair and the least of an unlike one; empty: the 5th "
        + "and 95th percentile", in: 0...1e300),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...10_000_000),
    Setting(
      "tolerance", \Self.tolerance, "a gradient, in units of M, no longer than this ends it",
      in: 0...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let labels = try problem.requiredLabels()
    guard bounds.isEmpty || bounds.count == 2 else {
      throw Failure(
        .badData, at: "learner: bounds", "\(bounds.count) numbers",
        expected: "two: of alike and of unlike pairs")
    }
    let limits =
      bounds.isEmpty
      ? pairBounds(problem.rows, rows: Array(0..<problem.count), problem.random)
      : (near: max(bounds[0], 1e-9), far: max(bounds[1], 1e-9))
    let (factor, inverse) = try prior.factor(problem)
    let gamma = gamma
    var memory: [Int: Int] = [:]
    var metric = factor.times(factor, transposingOther: true).symmetrized()
    var iterations = 0
    var result: FactoredDescent.Result?
    for _ in 0..<100 where iterations < maxIterations {
      // Find what is violated; forget what has been satisfied twice.
      let violated = oracle(problem.rows, labels, metric, limits)
      for key in memory.keys where !violated.contains(key) { memory[key, default: 0] += 1 }
      let isNew = violated.contains { memory[$0] == nil }
      for key in violated { memory[key] = 0 }
      memory = memory.filter { $0.value < 2 }
      if let result, !isNew, result.residual <= tolerance { break }
      // Project onto what is remembered.
      let pairs = memory.keys.sorted().map { ($0 / problem.count, $0 % problem.count) }
      let v = differences(problem.rows, pairs)
      let isAlike = pairs.map { labels[$0.0] == labels[$0.1] }
      var descent = FactoredDescent()
      (descent.maxIterations, descent.tolerance) = (maxIterations - iterations, tolerance)
      guard let root = Cholesky(metric) else { break }
      let found = descent.minimize(from: root.lower) { metric in
        boundedPairs(metric, inverse, v, isAlike, limits, gamma)
      }
      iterations += max(1, found.iterations)
      (metric, result) = (found.metric, found)
    }
    guard let found = result else { throw problem.failure("no step could be taken") }
    // Over all pairs, as what is not remembered is satisfied or counts here.
    let all = oracle(problem.rows, labels, metric, limits).sorted().map {
      ($0 / problem.count, $0 % problem.count)
    }
    let whole = boundedPairs(
      metric, inverse, differences(problem.rows, all), all.map { labels[$0.0] == labels[$0.1] },
      limits, gamma)
    let root = Cholesky(metric)?.lower ?? factor
    let slope = whole.map { root.times($0.gradient.times(root), transposingSelf: true).norm }
    return LearnedMetric(
      metric: metric, components: problem.components, objective: whole?.value ?? found.value,
      iterations: iterations, certificate: slope ?? found.residual,
      certifies: "length of the gradient in units of M, over all pairs",
      notes: ["\(memory.count) of \(problem.count * (problem.count - 1) / 2) pairs are remembered"])
  }

  /// The pairs of rows that violate their bound, as first · rows + second.
  private func oracle(
    _ rows: Matrix, _ labels: [Int], _ metric: Matrix, _ limits: (near: Double, far: Double)
  ) -> Set<Int> {
    guard let root = Cholesky(metric) else { return [] }
    let embedded = rows.times(root.lower)
    let (n, d) = (embedded.rows, embedded.columns)
    var found = [[Int]](repeating: [], count: n)
    embedded.elements.withUnsafeBufferPointer { e in
      found.withUnsafeMutableBufferPointer { found in
        guard let points = e.baseAddress else { return }
        Parallel.forEachRange(n, grain: 32) { range in
          for i in range {
            for j in 0..<i {
              let square = squaredDistance(points + i * d, points + j * d, d)
              guard square > 0 else { continue }
              let isAlike = labels[i] == labels[j]
              if isAlike ? square > limits.near : square < limits.far { found[i].append(i * n + j) }
            }
          }
        }
      }
    }
    return Set(found.joined())
  }
}
