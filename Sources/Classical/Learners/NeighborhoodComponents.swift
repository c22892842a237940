import Settings

/// Maximises the expected number of rows that a random neighbour puts in their class.
///
/// sum over i of p_i, p_i = sum of p_ij over the class of i, p_ij = softmax over j ≠ i of
/// -|L (x_i - x_j)|². With classes that a line parts the best scale is without end: steps stop where
/// the sum no longer grows. A ridge, `ridge` |L|², bounds it.
/// - Complexity: O(items² · columns) for a step, in memory for a few copies of the rows.
public struct NeighborhoodComponents: MetricLearner {
  public var initial = StartingMap.auto
  public var maxIterations = 100
  public var tolerance = 1e-5
  public var ridge = 0.0
  public var anchors = 0

  public init() {}

  public static let summary =
    "maximises the chance that a random near neighbour is of the same class"
  public static let source =
    "Goldberger, Roweis, Hinton and Salakhutdinov, Neighbourhood components analysis (2004)"
  public static let supervision = [Supervision.labels]
  public static let settings = [
    StartingMap.setting(\Self.initial),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...1_000_000),
    Setting("tolerance", \Self.tolerance, "a gradient no longer than this ends it", in: 0...1e6),
    Setting("ridge", \Self.ridge, "the weight of |L|², which bounds the scale", in: 0...1e6),
    anchorsSetting(\Self.anchors),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let labels = try problem.requiredLabels()
    let start = try initial.map(problem)
    let chosen = problem.anchors(anchors)
    let softmax = NeighborSoftmax(problem.rows, anchors: chosen.rows)
    let (map, result) = descend(from: start, maxIterations: maxIterations, tolerance: tolerance) {
      [ridge] map in
      let (sum, gradient) = NeighborhoodComponents.value(softmax, labels, map: map)
      return (
        ridge * map.inner(map) - sum * chosen.weight,
        map * (2 * ridge) - gradient * chosen.weight
      )
    }
    return LearnedMetric(
      map: map, objective: -result.value, iterations: result.iterations,
      certificate: result.gradientNorm, certifies: "length of the gradient",
      notes: chosen.notes)
  }

  /// The expected number of rows in the right class and its gradient in the map.
  package static func value(
    _ rows: Matrix, _ labels: [Int], map: Matrix
  ) -> (value: Double, gradient: Matrix) {
    value(NeighborSoftmax(rows, anchors: Array(labels.indices)), labels, map: map)
  }

  private static func value(
    _ softmax: NeighborSoftmax, _ labels: [Int], map: Matrix
  ) -> (value: Double, gradient: Matrix) {
    softmax.sum(map: map) { i, row in
      var right = 0.0
      for slot in 0..<row.count where labels[row.rows[slot]] == labels[i] {
        right += row.weights[slot]
      }
      // dp_i / dd_ij = p_ij (p_i - [same class]).
      for slot in 0..<row.count {
        row.weights[slot] *= right - (labels[row.rows[slot]] == labels[i] ? 1 : 0)
      }
      return right
    }
  }
}

func anchorsSetting<Root>(_ path: Setting<Root>.Path<Int>) -> Setting<Root> {
  Setting(
    "anchors", path,
    "how many rows, drawn by the seed, the sum is taken over; all rows are their neighbours; 0: "
      + "all up to 20,000 rows, else 2,048", in: 0...Int.max)
}

extension LearningProblem {
  /// The rows over which an objective of all pairs is summed, and the weight that makes it that of all.
  func anchors(_ wanted: Int) -> (rows: [Int], weight: Double, notes: [String]) {
    let most = wanted > 0 ? wanted : count > 20_000 ? 2048 : count
    guard most < count else { return (Array(0..<count), 1, []) }
    var random = random.split("anchors")
    let rows = random.permutation(count).prefix(most).sorted()
    return (
      rows, Double(count) / Double(most),
      [
        "the objective is estimated from \(most) of \(count) rows, each compared with all; "
          + "anchors: \(count) takes all"
      ]
    )
  }
}
