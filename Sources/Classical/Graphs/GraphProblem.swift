import Autodiff
import Files
import Settings

/// A problem on a number for each pair of points, rather than on rows.
public protocol GraphProblem: Described {
  /// - Parameter matrix: [points, points], symmetric and finite.
  func solve(_ matrix: Matrix, random: Random, at place: String) throws(Failure) -> GraphSolution
}

/// What was found, with arrays for files of their own.
public struct GraphSolution: Sendable {
  public var objective: Double
  public var iterations: Int
  public var certificate: Double
  public var certifies: String
  public var arrays: [Named<NumPyArray>]
  public var notes: [String] = []
}

extension Matrix {
  /// Fails unless this is a symmetric square matrix.
  public func checkPairs(at place: String) throws(Failure) {
    guard rows == columns, rows > 0 else {
      throw Failure(
        .badData, at: place, "a matrix of shape (\(rows), \(columns))",
        expected: "a number for each pair of points, [points, points]")
    }
    let largest = elements.reduce(0) { max($0, abs($1)) }
    for i in 0..<rows {
      for j in 0..<i where abs(self[i, j] - self[j, i]) > 1e-9 * largest {
        throw Failure(
          .badData, at: place,
          "points \(i) and \(j) (counted from 0) have \(self[i, j]) and \(self[j, i])",
          expected: "the same number both ways", remedy: "save (matrix + matrix.T) / 2")
      }
    }
  }

  var asArray: NumPyArray { NumPyArray(shape: [rows, columns], elements: .float64(elements)) }
}

/// Metric nearness as a registered problem.
public struct NearestMetric: GraphProblem {
  public var maxSweeps = 100_000
  public var tolerance = 1e-13

  public init() {}

  public static let summary =
    "the nearest distances to given dissimilarities that satisfy every triangle inequality"
  public static let source =
    "Sonthalia and Gilbert, Project and Forget: Solving large-scale metric constrained problems (2022)"
  public static let settings = [
    Setting("maxSweeps", \Self.maxSweeps, "the most rounds", in: 1...1_000_000_000),
    Setting(
      "tolerance", \Self.tolerance,
      "the share of the largest number by which a triangle may be violated", in: 0...1),
  ]

  public func solve(
    _ matrix: Matrix, random: Random, at place: String
  ) throws(Failure) -> GraphSolution {
    try matrix.checkPairs(at: place)
    for i in 0..<matrix.rows {
      for j in 0..<matrix.rows where matrix[i, j] < 0 || (i == j && matrix[i, j] != 0) {
        throw Failure(
          .badData, at: place, "points \(i) and \(j) (counted from 0) have \(matrix[i, j])",
          expected: i == j ? "0 on the diagonal" : "0 or more")
      }
    }
    let found = MetricNearness(
      matrix.symmetrized(), maxSweeps: maxSweeps, tolerance: tolerance)
    return GraphSolution(
      objective: found.objective, iterations: found.sweeps,
      certificate: max(found.violation, found.gap),
      certifies: "greatest violation or duality gap",
      arrays: [Named("nearest", found.distances.asArray)])
  }
}

/// Correlation clustering as a registered problem.
public struct SignedClusters: GraphProblem {
  public var smoothness = 0.05
  public var maxSweeps = 20_000

  public init() {}

  public static let summary =
    "clusters that agree with signed weights: together where positive, apart where negative"
  public static let source =
    "Bansal, Blum and Chawla, Correlation clustering (2004); Sonthalia and Gilbert, Project and Forget "
    + "(2022)"
  public static let settings = [
    Setting(
      "smoothness", \Self.smoothness,
      "the quadratic term of the relaxation, as a share of the largest weight; less, and the bound is "
        + "tighter and takes longer", in: 1e-6...10),
    Setting("maxSweeps", \Self.maxSweeps, "the most rounds", in: 1...1_000_000_000),
  ]

  public func solve(
    _ matrix: Matrix, random: Random, at place: String
  ) throws(Failure) -> GraphSolution {
    try matrix.checkPairs(at: place)
    let found = CorrelationClustering(
      matrix.symmetrized(), smoothness: smoothness, maxSweeps: maxSweeps, random: random)
    let clusters = NumPyArray(
      shape: [found.clusters.count], elements: .int64(found.clusters.map(Int64.init)))
    return GraphSolution(
      objective: found.objective, iterations: found.sweeps,
      certificate: found.objective - found.bound,
      certifies: "distance to a bound on every clustering",
      arrays: [Named("clusters", clusters), Named("distances", found.distances.asArray)],
      notes: ["\(Set(found.clusters).count) clusters of \(matrix.rows) points"])
  }
}
