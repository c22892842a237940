import Autodiff
import Foundation
import Geometry
import Settings

/// How well the nearest neighbours of every row are of its class.
///
/// With d = √(‖x - z‖² + 10⁻⁶), each row takes its k + 1 nearest after the first (itself) and, with
/// d_n the nearest of another class among them, r_j = d_j / d_n, scaled so that no r is above 1:
///
///     λ₊ = 1 - mean over rows of the mean of r over neighbours of the class
///     λ₋ = mean over rows of the mean of d / max d over neighbours of other classes; 1 if none is
///     γ  = mean over rows of the share of neighbours of the class
///     -log(((λ₊ + λ₋) / 2 + γ) / 2)
///
/// Rows without such neighbours are left out of λ₊ and λ₋. Which rows are neighbours, and γ, take no
/// gradient. A score below 10⁻¹² counts as 10⁻¹². With fewer than k + 3 rows k is less; with fewer
/// than 3 the loss is 0. With a reference set the neighbours are references, the nearest left out
/// too, as in the published code. Tuples do not matter. O(batch²). Default: k = 4.
/// - Reference: Mendez-Ruiz et al., *SuSana Distancia is all you need* (2023).
public struct ICNNLoss: Loss {
  public var neighbors = 4

  public init() {}

  public static let summary = "how well the nearest neighbours of every row are of its class"
  public static let source = "Mendez-Ruiz et al., SuSana Distancia is all you need, 2023"
  public static let settings = [
    Setting("neighbors", \Self.neighbors, "how many neighbours k a row has", in: 1...1_000_000)
  ]

  public func callAsFunction(_ input: LossInput) -> LossOutput {
    let wide = input.widened
    let squares = Distance(.squaredEuclidean, normalizes: false).matrix(
      wide.embeddings, wide.reference?.embeddings)
    let distances = squareRoot(squares.shifted(by: 1e-6))
    let (value, derivative, active) = NeighborScore(
      rowLabels: input.labels, columnLabels: input.reference?.labels ?? input.labels,
      neighbors: neighbors
    ).loss(distances.detached.elements(as: Double.self))
    let shape = distances.shape
    let result = Tensor(value, dtype: .float64).recorded(
      "icnn", distances.edge { Tensor(derivative, shape: shape).scaled(by: $0.item) })
    return LossOutput(value: result, active: active).narrowed(to: input.embeddings.dtype)
  }
}

private struct NeighborScore {
  let rowLabels, columnLabels: [Int]
  var neighbors: Int

  private let epsilon = 1e-7

  init(rowLabels: [Int], columnLabels: [Int], neighbors: Int) {
    (self.rowLabels, self.columnLabels, self.neighbors) = (rowLabels, columnLabels, neighbors)
  }

  /// The loss, its derivative in each distance, and the share of neighbours of another class.
  func loss(_ d: [Double]) -> (value: Double, derivative: [Double], active: Double) {
    let (rows, columns) = (rowLabels.count, columnLabels.count)
    var derivative = [Double](repeating: 0, count: d.count)
    let k = neighbors + 2 >= columns ? columns - 2 : neighbors
    guard k >= 1, rows > 0 else { return (0, derivative, 0) }
    // The places in `d` of each row's neighbours.
    let nearest = (0..<rows).map { i in
      (0..<columns).sorted { (d[i * columns + $0], $0) < (d[i * columns + $1], $1) }
        .dropFirst().prefix(k + 1).map { i * columns + $0 }
    }
    let isSame = { [columnLabels, rowLabels] (i: Int, place: Int) in
      columnLabels[place % columns] == rowLabels[i]
    }
    var same: [(row: Int, places: [Int])] = []
    var other: [(row: Int, places: [Int])] = []
    var (sameCount, farthest): (Int, Int?) = (0, nil)
    for (i, places) in nearest.enumerated() {
      let own = places.prefix(k).filter { isSame(i, $0) }
      let others = places.prefix(k).filter { !isSame(i, $0) }
      sameCount += own.count
      if !own.isEmpty { same.append((i, own)) }
      if !others.isEmpty { other.append((i, others)) }
      for place in others where farthest.map({ d[place] > d[$0] }) ?? true { farthest = place }
    }
    var nearness = 0.0
    let sameRows = Double(same.count) + epsilon
    for (i, places) in same {
      guard let limit = nearest[i].first(where: { !isSame(i, $0) }) else { continue }
      let last = nearest[i][k - 1]
      // The largest ratio is that of the last neighbour.
      let isScaled = d[last] / (d[limit] + epsilon) > 1
      let (bound, boundPlace) = isScaled ? (d[last], last) : (d[limit] + epsilon, limit)
      let factor = 1 / ((Double(places.count) + epsilon) * sameRows)
      for place in places {
        nearness += d[place] / bound * factor
        derivative[place] -= factor / bound
        derivative[boundPlace] += factor * d[place] / (bound * bound)
      }
    }
    var distance = 0.0
    let otherRows = Double(other.count) + epsilon
    if let farthest {
      let bound = d[farthest] + epsilon
      for (_, places) in other {
        let factor = 1 / ((Double(places.count) + epsilon) * otherRows)
        for place in places {
          distance += d[place] / bound * factor
          derivative[place] += factor / bound
          derivative[farthest] -= factor * d[place] / (bound * bound)
        }
      }
    } else {
      distance = 1
    }
    let share = k + 2 < columns ? Double(sameCount) / Double(k * rows) : 1
    let score = ((1 - nearness + distance) / 2 + share) / 2
    let isTiny = score < 1e-12
    for place in derivative.indices {
      derivative[place] *= isTiny ? 0 : -0.25 / score
    }
    let active = 1 - Double(sameCount) / Double(k * rows)
    return (-log(max(score, 1e-12)), derivative, active)
  }
}
