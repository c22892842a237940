import Autodiff
import Settings

/// Pulls each row's target neighbours near and pushes rows of other classes out of a margin.
///
/// r · sum over i and its targets j of |L (x_i - x_j)|²
/// + (1 - r) · sum over these and l of another class of [1 + |L (x_i - x_j)|² - |L (x_i - x_l)|²]₊,
/// with r = `pullWeight`; targets are the k nearest of the class in the input, the lower row first of
/// equals. Convex in M: hinges are rounded off less and less, and what they say of the dual problem
/// bounds the distance to the optimum. Of a map of fewer components a local optimum is found.
/// - Complexity: O(items² · columns) for a step, in memory for a few copies of the rows.
public struct LargeMarginNeighbors: MetricLearner {
  public var initial = StartingMap.identity
  public var neighbors = 3
  public var pullWeight = 0.5
  public var maxIterations = 1000
  public var tolerance = 1e-3

  public init() {}

  public static let summary = "keeps target neighbours near and others out of a margin"
  public static let source =
    "Weinberger and Saul, Distance metric learning for large margin nearest neighbor "
    + "classification (2009)"
  public static let supervision = [Supervision.labels]
  public static let settings = [
    StartingMap.setting(\Self.initial),
    Setting("neighbors", \Self.neighbors, "the target neighbours of a row", in: 1...1000),
    Setting("pullWeight", \Self.pullWeight, "the weight of pulling, r", in: 0.001...0.999),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...1_000_000),
    Setting(
      "tolerance", \Self.tolerance, "the share of the objective that the duality gap may have",
      in: 1e-12...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    try learn(problem, from: try Margin(self, problem))
  }

  /// Learns with target neighbours that are given: of rows equally far, others may choose others.
  package func learn(
    _ problem: LearningProblem, targets: [[Int]]
  ) throws(Failure) -> LearnedMetric {
    let labels = try problem.requiredLabels()
    return try learn(
      problem, from: Margin(rows: problem.rows, labels: labels, targets: targets, pull: pullWeight))
  }

  private func learn(
    _ problem: LearningProblem, from margin: Margin
  ) throws(Failure) -> LearnedMetric {
    let start = try initial.map(problem)
    guard maxIterations > 0 else {
      let (value, gradient) = margin.value(start)
      return LearnedMetric(
        map: start, objective: value, iterations: 0, certificate: gradient.norm,
        certifies: "length of the gradient")
    }
    var best = (map: start, value: margin.value(start).value)
    var current = start
    var bound = 0.0
    var iterations = 0
    // Hinges rounded off over ever less of the margin.
    for softness in [0.5, 0.125, 0.03, 0.008, 0.002, 0.0005, 0.000125] {
      let left = maxIterations - iterations
      guard left > 0 else { break }
      var solver = LBFGS()
      solver.maxIterations = min(left, 400)
      solver.valueTolerance = 1e-8
      solver.gradientTolerance = 1e-9
      let result = solver.minimize(from: current.elements) { point, gradient in
        let map = Matrix(point, rows: start.rows, columns: start.columns)
        let found = margin.value(map, softness: softness)
        gradient = found.gradient.elements
        return found.value
      }
      iterations += max(1, result.iterations)
      current = Matrix(result.point, rows: start.rows, columns: start.columns)
      let value = margin.value(current).value
      if value < best.value { best = (current, value) }
      if start.rows == start.columns {
        bound = max(bound, margin.dualBound(current, softness: softness))
        if best.value - bound <= tolerance * best.value { break }
      }
    }
    let isWhole = start.rows == start.columns
    return LearnedMetric(
      map: best.map, objective: best.value, iterations: iterations,
      certificate: isWhole
        ? max(0, best.value - bound) : margin.value(best.map, softness: 0.000125).gradient.norm,
      certifies: isWhole ? "duality gap" : "length of the gradient of hinges rounded off")
  }

  /// The objective and its gradient in the map, for given target neighbours.
  package func value(
    _ rows: Matrix, _ labels: [Int], targets: [[Int]], map: Matrix
  ) -> (value: Double, gradient: Matrix) {
    Margin(rows: rows, labels: labels, targets: targets, pull: pullWeight).value(map)
  }

  /// The nearest rows of each row's class.
  package static func targets(_ rows: Matrix, _ labels: [Int], count: Int) -> [[Int]] {
    nearestRows(rows, count) { labels[$0] == labels[$1] }
  }
}

/// What is minimised, for rows and their target neighbours.
private struct Margin {
  let rows, centered: Matrix
  let labels: [Int]
  let targets: [[Int]]
  let pull: Double

  init(rows: Matrix, labels: [Int], targets: [[Int]], pull: Double) {
    (self.rows, self.labels, self.targets, self.pull) = (rows, labels, targets, pull)
    centered = rows.centered()
  }

  init(_ learner: LargeMarginNeighbors, _ problem: LearningProblem) throws(Failure) {
    let labels = try problem.requiredLabels()
    let sizes = LearningProblem.members(of: labels).map(\.count)
    if let small = sizes.firstIndex(where: { $0 > 0 && $0 <= learner.neighbors }) {
      throw problem.failure(
        "the class '\(problem.name(ofClass: small))' has \(sizes[small]) rows",
        expected: "\(learner.neighbors + 1) or more, so that each has its target neighbours",
        remedy: "drop the class, or set neighbors: \(max(1, sizes[small] - 1))")
    }
    self.init(
      rows: problem.rows, labels: labels,
      targets: LargeMarginNeighbors.targets(problem.rows, labels, count: learner.neighbors),
      pull: learner.pullWeight)
  }

  /// - Parameter softness: over how much of the margin a hinge is rounded off; 0: not at all.
  func value(_ map: Matrix, softness: Double = 0) -> (value: Double, gradient: Matrix) {
    let (value, scatter, _) = sums(map, softness: softness)
    return (value, map.times(scatter) * 2)
  }

  /// Also how many hinges are active, with what share.
  private func sums(
    _ map: Matrix, softness: Double
  ) -> (value: Double, scatter: Matrix, active: Double) {
    let embedded = rows.times(map, transposingOther: true)
    let (n, k) = (embedded.rows, embedded.columns)
    var active = [Double](repeating: 0, count: n)
    let (value, scatter) = embedded.elements.withUnsafeBufferPointer { e in
      active.withUnsafeMutableBufferPointer { active in
        labels.withUnsafeBufferPointer { labels in
          pairScatter(centered, anchors: Array(0..<n)) { i, row in
            guard let base = e.baseAddress else { return 0 }
            let own = targets[i]
            let near = own.map { squaredDistance(base + i * k, base + $0 * k, k) }
            let limit = 1 + (near.max() ?? 0)
            var total = pull * near.reduce(0, +)
            var shares = [Double](repeating: 0, count: own.count)
            for l in 0..<n where labels[l] != labels[i] {
              let far = squaredDistance(base + i * k, base + l * k, k, limit: limit)
              guard far < limit else { continue }
              var pushed = 0.0
              for t in near.indices {
                let hinge = 1 + near[t] - far
                guard hinge > 0 else { continue }
                let share = hinge >= softness ? 1 : hinge / softness
                total += (1 - pull) * (hinge >= softness ? hinge - softness / 2 : share * hinge / 2)
                shares[t] += share
                pushed += share
              }
              if pushed > 0 { row.append(l, -(1 - pull) * pushed) }
              active[i] += pushed
            }
            for t in own.indices { row.append(own[t], pull + (1 - pull) * shares[t]) }
            return total
          }
        }
      }
    }
    return (value, scatter, active.reduce(0, +))
  }

  /// A value that no metric goes below.
  ///
  /// The shares of the hinges are dual variables: if S = r P + sum of a_t (C_ij - C_il) is positive
  /// semi-definite, the sum of the a_t is a bound. Else they are scaled down until it is.
  func dualBound(_ map: Matrix, softness: Double) -> Double {
    let (_, scatter, active) = sums(map, softness: softness)
    let n = rows.rows
    let (_, pulling) = pairScatter(centered, anchors: Array(0..<n)) { i, row in
      for j in targets[i] { row.append(j, pull) }
      return 0
    }
    guard let least = Spectrum(scatter - pulling, relativeTo: pulling)?.values.last else {
      return 0
    }
    let scale = least < -1 ? -1 / least * (1 - 1e-12) : 1
    return scale * (1 - pull) * active
  }
}
