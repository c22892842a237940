import Autodiff
import Foundation

/// Clusters of points that agree with signed weights as far as any can.
///
/// A pair of positive weight wants to be together, one of negative weight apart; what is minimised is
/// the weight of the pairs whose wish is not met. Its relaxation, Σ w+ x + Σ w- (1 - x) over distances
/// 0 ≤ x ≤ 1 that satisfy every triangle inequality, is solved by projecting and forgetting with a small
/// quadratic term; its multipliers bound every clustering from below. Points are then gathered around
/// pivots by x < ½, several times; points are moved one by one, and clusters joined, while that helps.
/// Of 12 points or fewer every clustering is compared, so that the best is found.
/// - Complexity: O(points³) for a call of the oracle.
/// - Reference: Sonthalia and Gilbert, *Project and Forget* (2022); Ailon, Charikar and Newman,
///   *Aggregating inconsistent information* (2008), for pivots.
public struct CorrelationClustering: Sendable {
  /// The cluster of each point, numbered in the order of their first points.
  public private(set) var clusters: [Int]
  /// The weight of the pairs whose wish is not met.
  public private(set) var objective = 0.0
  /// What no clustering goes below.
  public private(set) var bound = 0.0
  /// The relaxed distances.
  public private(set) var distances: Matrix
  public private(set) var sweeps = 0

  /// - Parameters:
  ///   - weights: symmetric and finite; the diagonal does not count.
  ///   - smoothness: the quadratic term as a share of the largest weight.
  public init(
    _ weights: Matrix, smoothness: Double = 0.05, maxSweeps: Int = 20_000, random: Random
  ) {
    let n = weights.rows
    let largest = max(weights.elements.reduce(0) { max($0, abs($1)) }, 1e-300)
    let epsilon = smoothness * largest
    // min w·x + ε/2 |x|² is the nearest point to -w / ε.
    let target = weights.map { -$0 / epsilon }
    var x = target
    for i in 0..<n { x[i, i] = 0 }
    var memory = TriangleMemory(size: n)
    var box = BoxMemory(size: n)
    while sweeps < maxSweeps {
      let worst = memory.addViolated(by: x, beyond: 1e-9)
      var moved = 0.0
      for _ in 0..<20 {
        let change = max(box.project(&x), memory.project(&x))
        sweeps += 1
        moved = change
        if change <= 1e-9 { break }
      }
      memory.forget()
      if worst <= 1e-8, moved <= 1e-9 { break }
    }
    distances = x.map { min(1, max(0, $0)) }
    clusters = []
    var random = random
    bound = CorrelationClustering.bound(weights, memory.prices(), epsilon)
    objective = .infinity
    for _ in 0..<50 {
      var found = CorrelationClustering.gathered(distances, random.permutation(n))
      CorrelationClustering.improve(&found, weights)
      let value = CorrelationClustering.disagreement(found, weights)
      if value < objective { (clusters, objective) = (found, value) }
    }
    if n <= 12 {
      let best = CorrelationClustering.best(weights)
      let value = CorrelationClustering.disagreement(best, weights)
      if value < objective { (clusters, objective) = (best, value) }
      bound = objective
    }
    clusters = CorrelationClustering.numbered(clusters)
    bound = min(max(0, bound), objective)
  }

  /// Any prices of the triangles give a bound: each pair takes its cheaper end of 0 ≤ x ≤ 1.
  private static func bound(_ weights: Matrix, _ prices: Matrix, _ epsilon: Double) -> Double {
    var total = 0.0
    for i in 0..<weights.rows {
      for j in 0..<i {
        total += max(0, -weights[i, j]) + min(0, weights[i, j] + epsilon * prices[i, j])
      }
    }
    return total
  }

  /// Points around pivots in turn, those at less than ½.
  private static func gathered(_ distances: Matrix, _ order: [Int]) -> [Int] {
    var clusters = [Int](repeating: -1, count: order.count)
    for pivot in order where clusters[pivot] < 0 {
      for j in order.indices where clusters[j] < 0 && (j == pivot || distances[pivot, j] < 0.5) {
        clusters[j] = pivot
      }
    }
    return clusters
  }

  /// The best clustering of few points: that of each set of them, a cluster with its first point apart.
  /// - Complexity: O(3^points).
  private static func best(_ weights: Matrix) -> [Int] {
    let n = weights.rows
    // The weight within each set, and the most that clusters of it can have within.
    var within = [Double](repeating: 0, count: 1 << n)
    var most = within
    var taken = [Int](repeating: 0, count: 1 << n)
    for set in within.indices.dropFirst() {
      let first = set.trailingZeroBitCount
      let others = set & (set - 1)
      within[set] = (first + 1..<n).reduce(within[others]) {
        others >> $1 & 1 == 1 ? $0 + weights[first, $1] : $0
      }
      // The first point alone, then with each set of others.
      (most[set], taken[set]) = (most[others], set ^ others)
      var part = others
      while part != 0 {
        let cluster = part | (set ^ others)
        let total = within[cluster] + most[set ^ cluster]
        if total > most[set] { (most[set], taken[set]) = (total, cluster) }
        part = (part - 1) & others
      }
    }
    var clusters = [Int](repeating: 0, count: n)
    var rest = (1 << n) - 1
    while rest != 0 {
      for i in 0..<n where taken[rest] >> i & 1 == 1 { clusters[i] = rest.trailingZeroBitCount }
      rest ^= taken[rest]
    }
    return clusters
  }

  /// Moves points, and joins clusters, while that helps.
  private static func improve(_ clusters: inout [Int], _ weights: Matrix) {
    repeat { movePoints(&clusters, weights) } while join(&clusters, weights)
  }

  /// Joins the two clusters with the greatest weight between them; false if none is above 0.
  private static func join(_ clusters: inout [Int], _ weights: Matrix) -> Bool {
    let n = clusters.count
    // By numbers of clusters, which are those of points.
    var between = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<i where clusters[i] != clusters[j] {
        let (a, b) = (min(clusters[i], clusters[j]), max(clusters[i], clusters[j]))
        between[a * n + b] += weights[i, j]
      }
    }
    guard let place = between.indices.max(by: { between[$0] < between[$1] }), between[place] > 1e-12
    else { return false }
    for i in 0..<n where clusters[i] == place % n { clusters[i] = place / n }
    return true
  }

  /// Moves single points to the cluster, or out of all, that suits them best.
  private static func movePoints(_ clusters: inout [Int], _ weights: Matrix) {
    for _ in 0..<100 {
      var isChanged = false
      for i in clusters.indices {
        var gains: [Int: Double] = [:]
        for j in clusters.indices where j != i { gains[clusters[j], default: 0] += weights[i, j] }
        let own = gains[clusters[i]] ?? 0
        // Its own number may belong to others, so a point that leaves takes one that is free.
        let free =
          Set(clusters).count < clusters.count
          ? clusters.indices.first { !Set(clusters).contains($0) } : nil
        let best = gains.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.first
        if let best, best.value > max(own, 0) + 1e-12 {
          clusters[i] = best.key
          isChanged = true
        } else if own < -1e-12, let free {
          clusters[i] = free
          isChanged = true
        }
      }
      if !isChanged { return }
    }
  }

  private static func disagreement(_ clusters: [Int], _ weights: Matrix) -> Double {
    var total = 0.0
    for i in clusters.indices {
      for j in 0..<i {
        let isTogether = clusters[i] == clusters[j]
        total += isTogether ? max(0, -weights[i, j]) : max(0, weights[i, j])
      }
    }
    return total
  }

  private static func numbered(_ clusters: [Int]) -> [Int] {
    var numbers: [Int: Int] = [:]
    return clusters.map { cluster in
      let number = numbers[cluster] ?? numbers.count
      numbers[cluster] = number
      return number
    }
  }
}

/// The multipliers of 0 ≤ x ≤ 1.
private struct BoxMemory {
  private let size: Int
  private var lower, upper: [Double]

  init(size: Int) {
    self.size = size
    lower = [Double](repeating: 0, count: size * size)
    upper = lower
  }

  mutating func project(_ x: inout Matrix) -> Double {
    var largest = 0.0
    for i in 0..<size {
      for j in 0..<i {
        let place = i * size + j
        let down = min(x[i, j], lower[place])
        lower[place] -= down
        let raised = x[i, j] - down
        let up = min(1 - raised, upper[place])
        upper[place] -= up
        let value = raised + up
        largest = max(largest, abs(down), abs(up))
        x[i, j] = value
        x[j, i] = value
      }
    }
    return largest
  }
}
