import Foundation
import Settings

/// Maximises the spread of unlike pairs while alike ones keep to a budget.
///
/// max log Σ unlike √d subject to Σ alike d ≤ t, d = vᵀ M v: concave over a set that is a simplex of
/// matrices once the alike pairs are whitened, so that the steepest vertex bounds what is missing.
/// The optimum has low rank, often 1. `diagonal`: min Σ alike d - c log Σ unlike √(d + 1e-6), M = diag(w).
public struct ClusteringMetricLearner: MetricLearner {
  public var initial = PriorMetric.identity
  public var budget: Double?
  public var diagonal = false
  public var c = 1.0
  public var constraints = 0
  public var maxIterations = 20_000
  public var tolerance = 1e-10

  public init() {}

  public static let summary = "spreads unlike pairs while alike ones keep to a budget"
  public static let source =
    "Xing, Ng, Jordan and Russell, Distance metric learning with application to clustering with "
    + "side-information (2002)"
  public static let supervision = [Supervision.pairs, .labels]
  public static let settings = [
    Setting("init", \Self.initial, "the metric by which the budget is taken, if none is set"),
    Setting(
      "budget", \Self.budget,
      "the sum of squared distances of alike pairs; null: a hundredth of theirs by init",
      in: 1e-300...1e300),
    Setting("diagonal", \Self.diagonal, "whether M is diagonal"),
    Setting("c", \Self.c, "for a diagonal M: the weight of the unlike pairs", in: 1e-12...1e12),
    constraintsSetting(\Self.constraints),
    Setting("maxIterations", \Self.maxIterations, "the most steps", in: 0...10_000_000),
    Setting("tolerance", \Self.tolerance, "a duality gap no larger than this ends it", in: 0...1),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let (v, isAlike) = try problem.differing(try problem.pairs(drawing: constraints))
    let alike = v.rows(at: isAlike.indices.filter { isAlike[$0] })
    let unlike = v.rows(at: isAlike.indices.filter { !isAlike[$0] })
    guard alike.rows > 0, unlike.rows > 0 else {
      throw problem.failure(
        "all pairs that differ are \(alike.rows > 0 ? "alike" : "unlike")",
        expected: "pairs of both kinds")
    }
    return diagonal
      ? try learnDiagonal(problem, alike, unlike) : try learnFull(problem, alike, unlike)
  }

  private func learnFull(
    _ problem: LearningProblem, _ alike: Matrix, _ unlike: Matrix
  ) throws(Failure) -> LearnedMetric {
    let within = alike.gram()
    let space = try RowSpace((within + unlike.gram()).symmetrized(), rows: alike.rows, problem)
    guard let factor = Cholesky(space.reduced(within)) else {
      throw problem.failure(
        "alike pairs do not differ along some direction in which unlike ones do, so that their "
          + "distance has no bound",
        expected: "more alike pairs than \(alike.rows), or fewer columns",
        remedy: "give more pairs, or set diagonal: true")
    }
    let whitening = factor.inverseOfLower
    let w = space.reduced(rows: unlike).times(whitening, transposingOther: true)
    let (_, inverse) = try initial.factor(problem)
    let prior = Cholesky(inverse)?.inverse ?? inverse
    let t = budget ?? prior.squares(of: alike).reduce(0, +) / 100
    let spread = Spread(w)
    let found = spread.maximize(maxIterations: maxIterations, tolerance: tolerance)
    let inner = found.factor.times(whitening, transposingSelf: true) * t.squareRoot()
    let metric = space.expanded(inner).gram()
    let rank = metric.root().rows
    return LearnedMetric(
      metric: metric, components: problem.components, objective: found.value + 0.5 * log(t),
      iterations: found.iterations, certificate: found.gap, certifies: "duality gap",
      notes: space.notes + [
        "the optimum has rank \(rank) of \(problem.width): it parts what is unlike as a whole, and "
          + "may tell near neighbours poorly"
      ])
  }

  private func learnDiagonal(
    _ problem: LearningProblem, _ alike: Matrix, _ unlike: Matrix
  ) throws(Failure) -> LearnedMetric {
    let cost = alike.map { $0 * $0 }.columnMeans.map { $0 * Double(alike.rows) }
    let squares = unlike.map { $0 * $0 }
    let gains = squares.columnMeans
    if let free = cost.indices.first(where: { cost[$0] == 0 && gains[$0] > 0 }) {
      throw problem.failure(
        "alike pairs never differ in column \(free) (counted from 0), but unlike ones do, so that "
          + "its weight has no bound", expected: "alike pairs that differ in every column",
        remedy: "give more pairs, or drop the column")
    }
    let descent = DiagonalDescent(cost: cost, squares: squares, c: c)
    let found = descent.minimize(maxIterations: maxIterations)
    guard found.weights.contains(where: { $0 > 0 }) else {
      throw problem.failure("all weights are 0", remedy: "set a larger c")
    }
    let kept = found.weights.indices.filter { found.weights[$0] > 0 }
    var map = Matrix(zeros: kept.count, problem.width)
    for (row, column) in kept.enumerated() { map[row, column] = found.weights[column].squareRoot() }
    var metric = LearnedMetric(
      map: map, objective: found.value, iterations: found.iterations, certificate: found.residual,
      certifies: "largest slope that a weight could follow")
    if let components = problem.components, components < kept.count {
      metric.map = metric.metric.root(most: components)
    }
    return metric
  }
}

/// f(C) = log Σ |Cᵀ w| - ½ log |C|², which does not depend on the scale of C.
private struct Spread {
  let pairs: Matrix

  init(_ pairs: Matrix) { self.pairs = pairs }

  /// A factor of trace 1 in whitened columns, its value, and how far below the optimum it is at most.
  func maximize(
    maxIterations: Int, tolerance: Double
  ) -> (factor: Matrix, value: Double, gap: Double, iterations: Int) {
    let d = pairs.columns
    var factor = Matrix(identity: d) * (1 / Double(d).squareRoot())
    var best = (factor: factor, value: value(factor), gap: gap(factor))
    var iterations = 0
    var idle = 0
    while iterations < maxIterations, best.gap > tolerance, idle < 3 {
      var solver = LBFGS()
      solver.maxIterations = min(500, maxIterations - iterations)
      solver.gradientTolerance = 1e-13
      let columns = factor.columns
      let result = solver.minimize(from: factor.elements) { point, gradient in
        let c = Matrix(point, rows: d, columns: columns)
        let (value, slope) = self.valueAndGradient(c)
        gradient = slope.elements.map { -$0 }
        return -value
      }
      iterations += max(1, result.iterations)
      factor = Matrix(result.point, rows: d, columns: columns)
      factor = factor * (1 / factor.norm)
      let gap = gap(factor)
      idle = gap < 0.5 * best.gap ? 0 : idle + 1
      if gap < best.gap { best = (factor, value(factor), gap) }
      factor = next(factor, gap: gap)
    }
    return (best.factor, best.value, best.gap, iterations)
  }

  /// Columns that have all but vanished are dropped; the steepest direction comes in.
  private func next(_ factor: Matrix, gap: Double) -> Matrix {
    let root = factor.times(factor, transposingOther: true).root()
    let lengths = (0..<root.rows).map { norm(Array(root.row($0))) }
    let longest = lengths.max() ?? 1
    var rows = (0..<root.rows).filter { lengths[$0] > 1e-4 * longest }.map { Array(root.row($0)) }
    let slope = Spectrum(slope(factor))
    let share = max(1e-6, min(0.05, gap.squareRoot()))
    rows.append(slope.vectors.row(0).map { $0 * share })
    let joined = Matrix(rows.flatMap { $0 }, rows: rows.count, columns: factor.rows).transposed
    return joined * (1 / joined.norm)
  }

  private func lengths(_ factor: Matrix) -> (products: Matrix, lengths: [Double]) {
    let products = pairs.times(factor)
    return (
      products,
      (0..<products.rows).map { i in
        max(products.row(i).reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-150)
      }
    )
  }

  func value(_ factor: Matrix) -> Double {
    log(lengths(factor).lengths.reduce(0, +)) - log(factor.norm)
  }

  private func valueAndGradient(_ factor: Matrix) -> (Double, Matrix) {
    let (products, lengths) = lengths(factor)
    let total = lengths.reduce(0, +)
    let square = factor.inner(factor)
    let gradient = pairs.times(
      products.scalingRows(by: lengths.map { 1 / ($0 * total) }), transposingSelf: true)
    return (log(total) - 0.5 * log(square), gradient - factor * (1 / square))
  }

  /// The gradient in M.
  private func slope(_ factor: Matrix) -> Matrix {
    let (_, lengths) = lengths(factor)
    let total = lengths.reduce(0, +)
    return pairs.weightedGram(lengths.map { 0.5 / ($0 * total) })
  }

  /// Over matrices of trace 1 a concave f is nowhere more than largest eigenvalue of G - <G, M> above
  /// f(M), and <G, M> = ½.
  func gap(_ factor: Matrix) -> Double {
    max(0, (Spectrum(slope(factor)).values.first ?? 0.5) - 0.5)
  }
}

/// min s·w - c log Σ √(w·v² + 1e-6), w ≥ 0, by Newton's steps on the weights that are free.
private struct DiagonalDescent {
  let cost: [Double]
  let squares: Matrix
  let c: Double

  init(cost: [Double], squares: Matrix, c: Double) {
    (self.cost, self.squares, self.c) = (cost, squares, c)
  }

  private func roots(_ w: [Double]) -> [Double] {
    (0..<squares.rows).map { i in
      zip(squares.row(i), w).reduce(1e-6) { $0 + $1.0 * $1.1 }.squareRoot()
    }
  }

  private func value(_ w: [Double]) -> Double {
    dot(cost, w) - c * log(roots(w).reduce(0, +))
  }

  func minimize(
    maxIterations: Int
  ) -> (weights: [Double], value: Double, residual: Double, iterations: Int) {
    var w = cost.map { $0 > 0 ? 1 / $0 : 0 }
    var iterations = 0
    var residual = Double.infinity
    while iterations < min(maxIterations, 10_000) {
      let r = roots(w)
      let total = r.reduce(0, +)
      var slope = [Double](repeating: 0, count: w.count)
      for i in 0..<squares.rows {
        for (j, square) in squares.row(i).enumerated() { slope[j] += 0.5 * square / r[i] }
      }
      let gradient = w.indices.map { cost[$0] - c * slope[$0] / total }
      // In units of a weight, so that columns of any scale count alike.
      residual = w.indices.reduce(0) { largest, j in
        cost[j] > 0
          ? max(largest, w[j] > 0 ? abs(gradient[j] * w[j]) : max(0, -gradient[j] / cost[j]))
          : largest
      }
      if residual < 1e-13 { break }
      let free = w.indices.filter { cost[$0] > 0 && (w[$0] > 0 || gradient[$0] < 0) }
      guard let step = newtonStep(free, r, total, slope, gradient) else { break }
      guard let next = line(w, free, step, gradient) else { break }
      w = next
      iterations += 1
    }
    return (w, value(w), residual, iterations)
  }

  private func newtonStep(
    _ free: [Int], _ r: [Double], _ total: Double, _ slope: [Double], _ gradient: [Double]
  ) -> [Double]? {
    let part = Matrix(
      (0..<squares.rows).flatMap { i in free.map { squares[i, $0] } }, rows: squares.rows,
      columns: free.count)
    var hessian = part.weightedGram(r.map { 0.25 * c / ($0 * $0 * $0 * total) })
    for (a, i) in free.enumerated() {
      for (b, j) in free.enumerated() {
        hessian[a, b] += c * slope[i] * slope[j] / (total * total)
      }
    }
    let least = 1e-12 * max(1e-300, hessian.diagonal.max() ?? 0)
    for a in free.indices { hessian[a, a] += least }
    return Cholesky(hessian)?.solve(free.map { -gradient[$0] })
  }

  /// The first of ever shorter steps, cut off at 0, that lowers the value.
  private func line(
    _ w: [Double], _ free: [Int], _ step: [Double], _ gradient: [Double]
  ) -> [Double]? {
    let before = value(w)
    var length = 1.0
    for _ in 0..<60 {
      var next = w
      for (place, j) in free.enumerated() { next[j] = max(0, w[j] + length * step[place]) }
      let expected = w.indices.reduce(0) { $0 + gradient[$1] * (next[$1] - w[$1]) }
      if next != w, value(next) <= before + 1e-4 * min(0, expected) { return next }
      length /= 2
    }
    return nil
  }
}
