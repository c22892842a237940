import Foundation
import Settings

/// A map that puts classes of an order where their distances say, and near rows of a class together.
///
/// Classical scaling of the distances |a - b| of the classes gives a target z_r for each; then
/// min (1/n) Σ |L x_i - z_{r_i}|² + μ Σ |L (x_i - x_j)|² + ρ |L|² over near pairs of a class, in closed
/// form: L = Zᵀ X (Xᵀ X + n μ Xᵀ Lap X + n ρ)⁻¹, X centred.
public struct OrdinalScaling: MetricLearner {
  public var dimensions = 0
  public var neighbors = 5
  public var locality = 0.1
  public var ridge = 1e-3

  public init() {}

  public static let summary = "a map on which the order of the classes is their distance"
  public static let source = "after Yu and Li, Ordinal distance metric learning with MDS (2018)"
  public static let supervision = [Supervision.labels]
  public static let settings = [
    Setting(
      "dimensions", \Self.dimensions,
      "the dimensions of the targets; 0: one fewer than classes, 5 at most", in: 0...1000),
    Setting("neighbors", \Self.neighbors, "the near rows of a row in its class", in: 0...10_000),
    Setting("locality", \Self.locality, "the weight μ of near pairs", in: 0...1e12),
    Setting("ridge", \Self.ridge, "the weight ρ of |L|²", in: 1e-15...1e12),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let labels = try problem.requiredLabels()
    let x = problem.rows.centered()
    let (n, d) = (x.rows, x.columns)
    let targets = OrdinalScaling.targets(
      classes: problem.classCount,
      dimensions: problem.components
        ?? (dimensions > 0 ? dimensions : min(problem.classCount - 1, 5)))
    let z = targets.rows(at: labels)
    let local = localScatter(problem.rows, centered: x, labels)
    var system = x.gram() + local * (Double(n) * locality)
    for i in 0..<d { system[i, i] += Double(n) * ridge }
    guard let cholesky = Cholesky(system.symmetrized()) else {
      throw problem.failure("the system has no solution", remedy: "set a larger ridge")
    }
    let right = z.times(x, transposingSelf: true)
    var map = Matrix(zeros: right.rows, d)
    for i in 0..<right.rows {
      for (j, value) in cholesky.solve(Array(right.row(i))).enumerated() { map[i, j] = value }
    }
    guard map.elements.contains(where: { $0 != 0 }) else {
      throw problem.failure(
        "the rows do not differ, so that the map is 0", expected: "rows that differ")
    }
    let gap = x.times(map, transposingOther: true) - z
    let value =
      gap.inner(gap) / Double(n) + locality * map.times(local).inner(map) + ridge * map.inner(map)
    let residual = map.times(system) - right
    return LearnedMetric(
      map: map, objective: value, iterations: 0,
      certificate: residual.norm / max(1e-300, right.norm), certifies: "residual of the solution")
  }

  /// Where the classes belong, by classical scaling of |a - b|: [classes, dimensions].
  static func targets(classes: Int, dimensions: Int) -> Matrix {
    var square = Matrix(zeros: classes, classes)
    for a in 0..<classes { for b in 0..<classes { square[a, b] = Double((a - b) * (a - b)) } }
    let means = square.columnMeans
    let mean = means.reduce(0, +) / Double(classes)
    var inner = Matrix(zeros: classes, classes)
    for a in 0..<classes {
      for b in 0..<classes { inner[a, b] = -0.5 * (square[a, b] - means[a] - means[b] + mean) }
    }
    let spectrum = Spectrum(inner)
    var result = Matrix(zeros: classes, dimensions)
    for axis in 0..<min(dimensions, classes) {
      let length = max(0, spectrum.values[axis]).squareRoot()
      // The last class lies on the positive side.
      let sign = spectrum.vectors[axis, classes - 1] < 0 ? -length : length
      for a in 0..<classes { result[a, axis] = sign * spectrum.vectors[axis, a] }
    }
    return result
  }

  /// Xᵀ Lap X of the graph in which two rows of a class are joined if either names the other.
  private func localScatter(_ rows: Matrix, centered: Matrix, _ labels: [Int]) -> Matrix {
    // Rows without their mean, taken once: what decides between rows that are equally far but for rounding.
    let means = rows.columnMeans
    var shifted = rows
    for i in 0..<rows.rows { for j in means.indices { shifted[i, j] -= means[j] } }
    let near = nearestRows(shifted, neighbors) { labels[$0] == labels[$1] }
    return pairScatter(centered, anchors: Array(labels.indices)) { i, row in
      for j in near[i] where j < i || !near[j].contains(i) { row.append(j, 1) }
      return 0
    }.scatter
  }
}
