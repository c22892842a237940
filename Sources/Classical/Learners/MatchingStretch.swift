import Autodiff
import Files
import Foundation
import Settings

/// Stretches covariates so that near rows of the same arm have like outcomes, to match rows of the other.
///
/// d(a, b)² = Σ m_c² (a_c - b_c)² + Σ m_e² [a_e ≠ b_e] over numbers c and categories e. The stretch m ≥ 0
/// minimises, over both arms, Σ (y_i - the mean outcome of its K nearest)² + C |m|². That is neither
/// smooth nor convex: a pattern search from several starts, so that the end is a good one and no more.
/// The effect of the treatment on a row is the difference between its nearest treated and untreated
/// rows in outcome.
/// - Complexity: O(rows² · covariates) for each stretch tried.
public struct MatchingStretch: MetricLearner {
  /// How the outcome of a group is estimated for a row.
  public enum Estimator: String, CaseIterable, Sendable { case mean, linear }

  public var neighbors = 10
  public var penalty = 1.0
  public var estimationNeighbors = 10
  public var estimator = Estimator.mean
  public var estimationShare = 0.0
  public var starts = 4

  public init() {}

  public static let summary = "a stretch of covariates for matching treated with untreated rows"
  public static let source =
    "Parikh, Rudin and Volfovsky, MALTS: Matching after learning to stretch (2022)"
  public static let supervision = [Supervision.effects]
  public static let settings = [
    Setting("neighbors", \Self.neighbors, "the near rows that predict an outcome", in: 1...100_000),
    Setting("penalty", \Self.penalty, "the weight C of |m|²", in: 0...1e12),
    Setting(
      "estimationNeighbors", \Self.estimationNeighbors,
      "the near rows of each arm from which an effect is estimated", in: 1...100_000),
    Setting(
      "estimator", \Self.estimator,
      "how: the mean of each arm's group, or ridge regression within it"),
    Setting(
      "estimationShare", \Self.estimationShare,
      "the share of rows kept from learning, on which alone effects are estimated; 0: all rows serve "
        + "both", in: 0...0.9),
    Setting("starts", \Self.starts, "how many starts the search takes", in: 1...1000),
  ]

  public func learn(_ problem: LearningProblem) throws(Failure) -> LearnedMetric {
    guard let treated = problem.treated else {
      throw problem.failure(
        "it is not told which rows were treated", expected: "a treatment for each row")
    }
    let outcomes = try problem.requiredTargets()
    var random = problem.random.split("estimation")
    let kept = Int((estimationShare * Double(problem.count)).rounded())
    let order = random.permutation(problem.count)
    let learning = kept > 0 ? order.dropFirst(kept).sorted() : Array(0..<problem.count)
    let estimating = kept > 0 ? order.prefix(kept).sorted() : learning
    let covariates =
      problem.covariates.isEmpty ? (0..<problem.width).map { $0..<$0 + 1 } : problem.covariates
    let stretch = Stretch(
      problem.rows.rows(at: learning), covariates, treated: learning.map { treated[$0] },
      outcomes: learning.map { outcomes[$0] }, neighbors: neighbors, penalty: penalty)
    for (arm, name) in [(true, "treated"), (false, "untreated")] {
      let size = learning.count { treated[$0] == arm }
      let others = estimating.count { treated[$0] == arm }
      guard size > neighbors, others >= min(estimationNeighbors, 1) else {
        throw problem.failure(
          "\(size) rows to learn from are \(name)", expected: "more than neighbors, \(neighbors)",
          remedy: "set neighbors: \(max(1, size - 1)), or give more rows")
      }
    }
    let found = stretch.minimize(starts: starts, random: problem.random.split("starts"))
    guard found.stretch.contains(where: { $0 > 0 }) else {
      throw problem.failure(
        "no covariate predicts the outcome: all are stretched to 0", remedy: "set a lower penalty")
    }
    let factors = stretch.columnFactors(found.stretch)
    let used = factors.indices.filter { factors[$0] > 0 }
    var map = Matrix(zeros: used.count, problem.width)
    for (row, column) in used.enumerated() { map[row, column] = factors[column] }
    let effects = EffectEstimate(
      problem.rows.rows(at: estimating).times(map, transposingOther: true),
      treated: estimating.map { treated[$0] }, outcomes: estimating.map { outcomes[$0] },
      neighbors: estimationNeighbors, estimator: estimator
    ).effects
    var metric = LearnedMetric(
      map: map, objective: found.value, iterations: found.tries, certificate: found.step,
      certifies: "the last step of the search, which no single covariate improves on")
    let mean = effects.reduce(0, +) / Double(max(1, effects.count))
    metric.notes = ["the mean effect of the treatment on \(effects.count) rows is \(mean)"]
    metric.extras = [
      Named("stretch", NumPyArray(shape: [found.stretch.count], elements: .float64(found.stretch))),
      Named("effects", NumPyArray(shape: [effects.count], elements: .float64(effects))),
      Named(
        "effect_rows",
        NumPyArray(shape: [estimating.count], elements: .int64(estimating.map(Int64.init)))),
    ]
    return metric
  }

  /// The objective at a stretch: a number for each covariate.
  package func value(
    _ rows: Matrix, _ covariates: [Range<Int>], treated: [Bool], outcomes: [Double],
    stretch: [Double]
  ) -> Double {
    Stretch(
      rows, covariates, treated: treated, outcomes: outcomes, neighbors: neighbors,
      penalty: penalty
    ).value(stretch)
  }
}

/// The objective of a stretch.
private struct Stretch {
  let covariates: [Range<Int>]
  /// Of each arm.
  let arms: [(rows: Matrix, outcomes: [Double])]
  let neighbors: Int
  let penalty: Double

  init(
    _ rows: Matrix, _ covariates: [Range<Int>], treated: [Bool], outcomes: [Double],
    neighbors: Int, penalty: Double
  ) {
    (self.covariates, self.neighbors, self.penalty) = (covariates, neighbors, penalty)
    arms = [true, false].map { arm in
      let own = treated.indices.filter { treated[$0] == arm }
      return (rows.rows(at: own), own.map { outcomes[$0] })
    }
  }

  /// A number for each column. Two categories differ in two columns of one each, so that each counts
  /// half.
  func columnFactors(_ stretch: [Double]) -> [Double] {
    var factors: [Double] = []
    for (columns, factor) in zip(covariates, stretch) {
      for _ in columns { factors.append(columns.count > 1 ? factor / 2.0.squareRoot() : factor) }
    }
    return factors
  }

  func value(_ stretch: [Double]) -> Double {
    let factors = columnFactors(stretch)
    var total = penalty * dot(stretch, stretch)
    for arm in arms {
      let near = nearestRows(arm.rows.scalingColumns(by: factors), neighbors) { _, _ in true }
      for (i, rows) in near.enumerated() {
        let mean = rows.reduce(0) { $0 + arm.outcomes[$1] } / Double(max(1, rows.count))
        total += (arm.outcomes[i] - mean) * (arm.outcomes[i] - mean)
      }
    }
    return total
  }

  /// Tries each covariate up and down by a step, goes on where that helped, else takes half the step.
  func minimize(
    starts: Int, random: Random
  ) -> (stretch: [Double], value: Double, step: Double, tries: Int) {
    var random = random
    var best = (stretch: [Double](), value: Double.infinity, step: 0.0, tries: 0)
    var tries = 0
    for start in 0..<starts {
      var point = covariates.map { _ in start == 0 ? 1 : 2 * random.uniform() }
      var value = value(point)
      tries += 1
      var step = 0.5
      while step > 1e-3 {
        let before = (point, value)
        for c in point.indices {
          for change in [step, -step] {
            var trial = point
            trial[c] = max(0, trial[c] + change)
            guard trial[c] != point[c] else { continue }
            let found = self.value(trial)
            tries += 1
            if found < value {
              (point, value) = (trial, found)
              break
            }
          }
        }
        guard value < before.1 else {
          step /= 2
          continue
        }
        // Once more the way that helped.
        let ahead = point.indices.map { max(0, 2 * point[$0] - before.0[$0]) }
        let found = self.value(ahead)
        tries += 1
        if found < value { (point, value) = (ahead, found) }
      }
      if value < best.value { best = (point, value, step, 0) }
    }
    best.tries = tries
    return best
  }
}

/// What the treatment does to each row, by its nearest rows of either arm.
private struct EffectEstimate {
  let effects: [Double]

  init(
    _ rows: Matrix, treated: [Bool], outcomes: [Double], neighbors: Int,
    estimator: MatchingStretch.Estimator
  ) {
    func estimates(_ arm: Bool) -> [Double] {
      nearestRows(rows, neighbors) { _, j in treated[j] == arm }.enumerated().map { i, near in
        // A row is the nearest of its own arm itself.
        let group = treated[i] == arm ? [i] + near.dropLast(near.count == neighbors ? 1 : 0) : near
        let mean = group.reduce(0) { $0 + outcomes[$1] } / Double(max(1, group.count))
        guard estimator == .linear, group.count > 1 else { return mean }
        let part = rows.rows(at: group)
        let means = part.columnMeans
        let x = part.centered()
        var system = x.gram()
        for j in 0..<system.rows { system[j, j] += 1 }
        let right = x.times(
          Matrix(group.map { outcomes[$0] - mean }, rows: group.count, columns: 1),
          transposingSelf: true)
        let slope = Cholesky(system)?.solve(right.elements) ?? []
        return zip(zip(rows.row(i), means), slope).reduce(mean) {
          $0 + ($1.0.0 - $1.0.1) * $1.1
        }
      }
    }
    effects = zip(estimates(true), estimates(false)).map { $0 - $1 }
  }
}
