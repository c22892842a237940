import Autodiff
import Files
import Foundation
import Settings

/// A sparse sum of given directions: M = Σ w_b v_b v_bᵀ, w ≥ 0.
///
/// min β Σ w + the mean over triplets of [1 + Σ w_b z_b]₊, z_b = (v_b (x_i - x_j))² - (v_b (x_i - x_l))².
/// That is a linear programme, which `solver: "exact"` solves to its optimum; `"stochastic"` takes the
/// steps of the paper, regularised dual averaging with AdaGrad over small batches of triplets, and then
/// solves the programme over the directions that these leave in use.
public struct SparseCompositionalLearner: MetricLearner {
  public enum Solver: String, CaseIterable, Sendable { case exact, stochastic }

  public var basis = "auto"
  public var directions = 0
  public var beta = 1e-5
  public var nearNeighbors = 3
  public var farNeighbors = 10
  public var solver = Solver.exact
  public var tolerance = 1e-8
  public var gamma = 5e-3
  public var steps = 10_000
  public var batch = 10

  public init() {}

  public static let summary = "a sparse sum of directions, from comparisons of three rows"
  public static let source =
    "Shi, Bellet and Sha, Sparse compositional metric learning (2014)"
  public static let supervision = [Supervision.triplets, .labels]
  public static let settings = [
    Setting(
      "basis", \Self.basis,
      "the directions: auto (lda with labels, else triplet-differences), lda, triplet-differences, "
        + "or an .npy file with one a row"),
    Setting(
      "directions", \Self.directions,
      "how many directions are made; 0: 20 a column of lda, 80 of triplet-differences, 400 at most",
      in: 0...100_000),
    Setting("beta", \Self.beta, "the weight of the sum of weights", in: 0...1e9),
    Setting(
      "nearNeighbors", \Self.nearNeighbors, "with labels: the near rows of a row's triplets",
      in: 1...1000),
    Setting(
      "farNeighbors", \Self.farNeighbors, "with labels: the far rows of a row's triplets",
      in: 1...1000),
    Setting("solver", \Self.solver, "the optimum, or steps over batches for many triplets"),
    Setting(
      "tolerance", \Self.tolerance, "a duality gap no larger than this ends the exact solver",
      in: 0...1),
    Setting("gamma", \Self.gamma, "for steps: the weight of the proximal term", in: 1e-12...1e12),
    Setting("steps", \Self.steps, "for steps: how many", in: 1...100_000_000),
    Setting("batch", \Self.batch, "for steps: the triplets of one", in: 1...1_000_000),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    let triplets = try problem.triplets(near: nearNeighbors, far: farNeighbors)
    let vectors = try directions(problem, triplets)
    let program = HingeProgram(
      beta: beta, triplets: triplets, projected: problem.rows.times(vectors, transposingOther: true)
    )
    let b = vectors.rows
    var random = problem.random.split("triplets")
    let first = Array(random.permutation(triplets.count).prefix(400)).sorted()
    let found: HingeProgram.Result
    switch solver {
    case .exact: found = program.solve(first: first, tolerance: tolerance)
    case .stochastic: found = polished(averaged(program, random), program)
    }
    let kept = found.weights.indices.filter { found.weights[$0] > 0 }
    guard !kept.isEmpty else {
      throw problem.failure(
        "no direction tells the triplets apart, so that all weights are 0",
        expected: "rows in which near and far differ",
        remedy: "set a smaller beta, or another basis")
    }
    let metric = vectors.rows(at: kept).scalingRows(
      by: kept.map { found.weights[$0].squareRoot() }
    ).gram()
    let sum = found.weights.reduce(0, +)
    let largest = found.weights.max() ?? 0
    let notable = found.weights.count { $0 > 1e-6 * largest }
    return LearnedMetric(
      metric: metric, components: problem.components, objective: found.objective,
      iterations: found.iterations, certificate: max(0, found.objective - found.bound),
      certifies: solver == .exact ? "duality gap" : "distance to 0, which no objective goes below",
      notes: [
        "\(notable) of \(b) directions have a weight above a millionth of the largest; weights sum to "
          + "\(sum)"
      ])
  }

  /// The steps of the paper; the best weights of every 500 steps are kept.
  private func averaged(_ program: HingeProgram, _ random: Random) -> HingeProgram.Result {
    var random = random.split("steps")
    let b = program.columns
    var (w, sum, squares) = (
      [Double](repeating: 0, count: b), [Double](repeating: 0, count: b),
      [Double](repeating: 0, count: b)
    )
    var best = HingeProgram.Result(weights: w, objective: 1, bound: 0, iterations: steps)
    for step in 1...steps {
      let z = program.rows((0..<batch).map { _ in random.below(program.count) })
      var gradient = [Double](repeating: 0, count: b)
      for row in 0..<batch {
        let own = Array(z.row(row))
        guard 1 + dot(own, w) > 0 else { continue }
        for j in 0..<b { gradient[j] += own[j] / Double(batch) }
      }
      for j in 0..<b {
        sum[j] += gradient[j]
        squares[j] += gradient[j] * gradient[j]
        let mean = sum[j] / Double(step) + beta
        w[j] = -Double(step) / (gamma * (0.001 + squares[j].squareRoot())) * min(mean, 0)
      }
      guard step % 500 == 0 || step == steps else { continue }
      let hinges = program.hinges(w)
      let value =
        beta * w.reduce(0, +) + hinges.reduce(0) { $0 + max(0, $1) } / Double(program.count)
      if value < best.objective { (best.weights, best.objective) = (w, value) }
    }
    return best
  }

  /// The best weights of the heaviest directions that the steps left in use: steps end far from their
  /// scale, since β pulls but little.
  private func polished(
    _ found: HingeProgram.Result, _ program: HingeProgram
  ) -> HingeProgram.Result {
    let weights = found.weights
    let used = weights.indices.filter { weights[$0] > 0 }
      .sorted { (weights[$1], $0) < (weights[$0], $1) }.prefix(100).sorted()
    guard !used.isEmpty else { return found }
    let part = program.of(columns: used)
    // The triplets nearest to their hinge, or furthest beyond it.
    let hinges = program.hinges(weights)
    let first = hinges.indices.sorted { (hinges[$1], $0) < (hinges[$0], $1) }.prefix(400).sorted()
    let solved = part.solve(first: first, tolerance: tolerance, maxRounds: 20)
    var best = found
    best.iterations += solved.iterations
    if solved.objective < best.objective {
      best.objective = solved.objective
      best.weights = [Double](repeating: 0, count: program.columns)
      for (place, weight) in zip(used, solved.weights) { best.weights[place] = weight }
    }
    return best
  }
}

// MARK: - Directions

extension SparseCompositionalLearner {
  /// The directions, one a row.
  private func directions(
    _ problem: LearningProblem, _ triplets: [RowTriplet]
  ) throws(Failure) -> Matrix {
    switch basis {
    case "lda": return try discriminants(problem, try problem.requiredLabels())
    case "triplet-differences": return differenceDirections(problem, triplets)
    case "auto":
      guard problem.triplets == nil, let labels = problem.labels else {
        return differenceDirections(problem, triplets)
      }
      return try discriminants(problem, labels)
    case let path where path.hasSuffix(".npy"):
      let (rows, columns, values) = try NumPyArray.read(path).matrix(at: path, as: Double.self)
      guard columns == problem.width, rows > 0 else {
        throw Failure(
          .badData, at: path, "directions of \(columns) numbers, \(rows) of them",
          expected: "one at least, of \(problem.width) numbers each")
      }
      return Matrix(values, rows: rows, columns: columns)
    default:
      throw Failure(
        .badData, at: "learner: basis", "'\(basis)'",
        expected: "auto, lda, triplet-differences or an .npy file")
    }
  }

  /// Eigenvectors of what near rows differ by less what far rows do, over a few triplets each.
  private func differenceDirections(
    _ problem: LearningProblem, _ triplets: [RowTriplet]
  ) -> Matrix {
    let d = problem.width
    let wanted = directions > 0 ? directions : min(80 * d, max(400, d))
    var random = problem.random.split("basis")
    var rows: [Double] = []
    while rows.count < wanted * d {
      let some = (0..<max(1, d)).map { _ in triplets[random.below(triplets.count)] }
      let near = differences(problem.rows, some.map { ($0.anchor, $0.near) }).gram()
      let far = differences(problem.rows, some.map { ($0.anchor, $0.far) }).gram()
      rows += Spectrum(near - far).vectors.elements
    }
    return Matrix(Array(rows.prefix(wanted * d)), rows: wanted, columns: d)
  }

  /// Fisher's directions among the nearest rows of each class around rows drawn at random.
  private func discriminants(
    _ problem: LearningProblem, _ labels: [Int]
  ) throws(Failure) -> Matrix {
    let (d, n) = (problem.width, problem.count)
    let classes = Set(labels).count
    let most = max(1, min(d, classes - 1))
    let wanted = directions > 0 ? directions : min(20 * d, 2 * n * most - 1, max(400, d))
    let sizes = d > 50 ? [20, 50] : [10, 20]
    let members = LearningProblem.members(of: labels)
    var random = problem.random.split("basis")
    var order: [Int] = []
    var rows: [Double] = []
    var tries = 0
    while rows.count < wanted * d, tries < 4 * wanted + 100 {
      tries += 1
      if order.isEmpty { order = random.permutation(n) }
      guard let center = order.popLast() else { break }
      for size in sizes where rows.count < wanted * d {
        var near: [Int] = []
        for own in members where !own.isEmpty {
          var list = NearestList(count: size)
          problem.rows.elements.withUnsafeBufferPointer { x in
            guard let base = x.baseAddress else { return }
            for row in own {
              list.add(row, squaredDistance(base + center * d, base + row * d, d))
            }
          }
          near += list.rows
        }
        guard
          let found = fisherDirections(
            problem.rows.rows(at: near), near.map { labels[$0] }, most: most)
        else { continue }
        for i in 0..<found.rows {
          let row = Array(found.row(i))
          let length = norm(row)
          if length > 0, length.isFinite { rows += row.map { $0 / length } }
        }
      }
    }
    guard !rows.isEmpty else {
      throw problem.failure("no direction parts the classes", expected: "rows that differ")
    }
    let count = min(wanted, rows.count / d)
    return Matrix(Array(rows.prefix(count * d)), rows: count, columns: d)
  }
}
