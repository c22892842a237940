import Autodiff
import Settings

/// Pulls each row's target neighbours near and pushes rows of other classes out of a margin.
///
/// r · sum over i and its targets j of |L (x_i - x_j)|²
/// + (1 - r) · sum over these and l of another class of [1 + |L (x_i - x_j)|² - |L (x_i - x_l)|²]₊,
/// with r = `pullWeight`; targets are the k nearest of the class in the input, the lower row first of
/// equals. Convex in M: hinges are rounded off less and less, and what they say of the dual problem
/// bounds the distance to the optimum. Of a map of fewer components a local optimum is found.
/// - Complexity: a step takes O(items · columns² + pairs · columns), pairs being those of a row and one
///   of another class in or near its margin, for which there is memory; O(items² · columns) for the
///   looks at all others, of which there are one or two for each of seven rounds.
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
    let isWhole = start.rows == start.columns
    guard maxIterations > 0 else {
      let (value, gradient) = margin.value(start)
      return LearnedMetric(
        map: start, objective: value, iterations: 0, certificate: gradient.norm,
        certifies: "length of the gradient")
    }
    // Steps are taken in columns in which the target neighbours' scatter is the identity.
    let frame = try Whitening(margin, problem)
    var inner = frame.margin
    var current = frame.inner(start)
    var best = (map: current, value: inner.value(current).value)
    var bound = 0.0
    var iterations = 0
    inner.addCandidates(near: current)
    // Hinges rounded off over ever less of the margin.
    for softness in [0.5, 0.125, 0.03, 0.008, 0.002, 0.0005, 0.000125] {
      guard iterations < maxIterations else { break }
      var isNew = false
      // Other hinges are looked at when those known have nothing more to say. At first margins shrink
      // fast, so that looks come early and most of what was near is forgotten.
      var (burst, left) = (iterations == 0 ? 15 : 400, min(maxIterations - iterations, 400))
      repeat {
        var solver = LBFGS()
        solver.maxIterations = min(burst, left)
        solver.valueTolerance = 1e-8
        solver.gradientTolerance = 1e-9
        let (known, shape) = (inner, current)
        let result = solver.minimize(from: current.elements) { point, gradient in
          let map = Matrix(point, rows: shape.rows, columns: shape.columns)
          let found = known.value(map, softness: softness)
          gradient = found.gradient.elements
          return found.value
        }
        iterations += max(1, result.iterations)
        current = Matrix(result.point, rows: shape.rows, columns: shape.columns)
        left -= max(1, result.iterations)
        let isCut = result.iterations >= burst
        isNew = inner.addCandidates(near: current, forgetting: isCut)
        if isCut { isNew = true }
        burst *= 2
      } while isNew && left > 0
      let value = inner.value(current).value
      if value < best.value { best = (current, value) }
      if isWhole {
        bound = max(bound, inner.dualBound(current, softness: softness))
        if best.value - bound <= tolerance * best.value { break }
      }
    }
    return LearnedMetric(
      map: frame.outer(best.map, from: start), objective: best.value, iterations: iterations,
      certificate: isWhole
        ? max(0, best.value - bound) : inner.value(best.map, softness: 0.000125).gradient.norm,
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
  /// The rows of other classes that may come into each row's margin; nil: all.
  private var candidates: [[Int32]]?

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
            let known = candidates?[i]
            for place in 0..<(known?.count ?? n) {
              let l = known.map { Int($0[place]) } ?? place
              guard labels[l] != labels[i] else { continue }
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

  /// The sum of the weights of target neighbours' differences, the part of the scatter that pulls.
  func pulling() -> Matrix {
    pairScatter(centered, anchors: Array(0..<rows.rows)) { i, row in
      for j in targets[i] { row.append(j, pull) }
      return 0
    }.scatter
  }

  /// Adds rows in a margin by this map, with those that are not far from it, to the candidates.
  ///
  /// - Parameter forgets: whether candidates that have come to lie far from it are dropped.
  /// - Returns: whether one lies in a margin that was no candidate before.
  @discardableResult
  mutating func addCandidates(near map: Matrix, forgetting forgets: Bool = false) -> Bool {
    let embedded = rows.times(map, transposingOther: true)
    let (n, k) = (embedded.rows, embedded.columns)
    var known = candidates ?? []
    let isFirst = known.isEmpty
    if isFirst { known = [[Int32]](repeating: [], count: n) }
    var missing = [Bool](repeating: false, count: n)
    embedded.elements.withUnsafeBufferPointer { e in
      known.withUnsafeMutableBufferPointer { known in
        missing.withUnsafeMutableBufferPointer { missing in
          guard let base = e.baseAddress else { return }
          Parallel.forEachRange(n, grain: 32) { range in
            for i in range {
              let near = targets[i].map { squaredDistance(base + i * k, base + $0 * k, k) }
              let limit = 1 + (near.max() ?? 0)
              var own: [Int32] = []
              var place = 0
              for l in 0..<n {
                let isKnown = place < known[i].count && known[i][place] == l
                if isKnown { place += 1 }
                if isKnown, !forgets {
                  own.append(Int32(l))
                  continue
                }
                guard labels[l] != labels[i] else { continue }
                let far = squaredDistance(base + i * k, base + l * k, k, limit: limit + 1)
                guard far < limit + 1 else { continue }
                own.append(Int32(l))
                if far < limit, !isKnown { missing[i] = true }
              }
              known[i] = own
            }
          }
        }
      }
    }
    candidates = known
    return isFirst || missing.contains(true)
  }

  /// A value that no metric goes below.
  ///
  /// The shares of the hinges are dual variables: if S = r P + sum of a_t (C_ij - C_il) is positive
  /// semi-definite, the sum of the a_t is a bound. Else they are scaled down until it is.
  func dualBound(_ map: Matrix, softness: Double) -> Double {
    let (_, scatter, active) = sums(map, softness: softness)
    let pulling = pulling()
    guard let least = Spectrum(scatter - pulling, relativeTo: pulling)?.values.last else {
      return 0
    }
    let scale = least < -1 ? -1 / least * (1 - 1e-12) : 1
    return scale * (1 - pull) * active
  }
}

/// Columns in which the target neighbours' scatter is the identity, so that columns of any scale, and
/// those in which few rows differ, take like steps.
private struct Whitening {
  /// The problem in these columns.
  let margin: Margin
  /// [inner, outer]: outer rows x become T x, and inner maps L' the outer L' T, along the rows' space.
  private let forward: Matrix
  /// [inner, outer]: maps L become L T⁺, by the rows of T⁺ transposed.
  private let backward: Matrix

  init(_ margin: Margin, _ problem: LearningProblem) throws(Failure) {
    let total = margin.centered.gram()
    let space = try RowSpace(total, rows: margin.rows.rows, problem)
    let basis = space.expanded(Matrix(identity: space.rank))
    // A little of the whole, for directions in which no target neighbours differ.
    let spectrum = Spectrum(space.reduced(margin.pulling() + total * (1e-3 * margin.pull)))
    let roots = spectrum.values.map { max($0, 1e-300).squareRoot() }
    let axes = spectrum.vectors.times(basis)
    forward = axes.scalingRows(by: roots.map { 1 / $0 })
    backward = axes.scalingRows(by: roots)
    self.margin = Margin(
      rows: margin.centered.times(forward, transposingOther: true), labels: margin.labels,
      targets: margin.targets, pull: margin.pull)
  }

  func inner(_ map: Matrix) -> Matrix { map.times(backward, transposingOther: true) }

  /// Beyond the rows' space the map stays as it was at the start.
  func outer(_ map: Matrix, from start: Matrix) -> Matrix {
    map.times(forward) + (start - inner(start).times(forward))
  }
}
