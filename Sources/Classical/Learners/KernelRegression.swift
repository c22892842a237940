import Settings

/// Minimises the squared error of kernel regression from all other rows.
///
/// sum over i of (ŷ_i - y_i)², ŷ_i = sum over j ≠ i of p_ij y_j, p_ij = softmax of -|L (x_i - x_j)|².
/// - Complexity: O(items² · columns) for a step, in memory for a few copies of the rows.
public struct KernelRegressionLearner: MetricLearner {
  public var initial = StartingMap.auto
  public var maxIterations = 1000
  public var tolerance = 1e-5
  public var anchors = 0

  public init() {}

  public static let summary = "minimises the error of kernel regression of a number from near rows"
  public static let source =
    "Weinberger and Tesauro, Metric learning for kernel regression (2007)"
  public static let supervision = [Supervision.targets, .labels]
  public static let settings = [
    StartingMap.setting(\Self.initial),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...1_000_000),
    Setting("tolerance", \Self.tolerance, "a gradient no longer than this ends it", in: 0...1e6),
    anchorsSetting(\Self.anchors),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let targets = try problem.requiredTargets()
    try problem.requireRows(2)
    let start = try initial.map(problem)
    let chosen = problem.anchors(anchors)
    let softmax = NeighborSoftmax(problem.rows, anchors: chosen.rows)
    let (map, result) = descend(from: start, maxIterations: maxIterations, tolerance: tolerance) {
      map in
      let (sum, gradient) = KernelRegressionLearner.value(softmax, targets, map: map)
      return (sum * chosen.weight, gradient * chosen.weight)
    }
    return LearnedMetric(
      map: map, objective: result.value, iterations: result.iterations,
      certificate: result.gradientNorm, certifies: "length of the gradient",
      notes: chosen.notes)
  }

  /// The squared error and its gradient in the map.
  package static func value(
    _ rows: Matrix, _ targets: [Double], map: Matrix
  ) -> (value: Double, gradient: Matrix) {
    value(NeighborSoftmax(rows, anchors: Array(targets.indices)), targets, map: map)
  }

  private static func value(
    _ softmax: NeighborSoftmax, _ targets: [Double], map: Matrix
  ) -> (value: Double, gradient: Matrix) {
    softmax.sum(map: map) { i, row in
      var estimate = 0.0
      for slot in 0..<row.count { estimate += row.weights[slot] * targets[row.rows[slot]] }
      let error = estimate - targets[i]
      // d(ŷ_i - y_i)² / dd_ij = 2 (ŷ_i - y_i) p_ij (ŷ_i - y_j).
      for slot in 0..<row.count {
        row.weights[slot] *= 2 * error * (estimate - targets[row.rows[slot]])
      }
      return error * error
    }
  }
}
