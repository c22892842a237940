import Autodiff
import Settings

/// Whether new embeddings still look like those that a threshold was calibrated on.
///
/// Two questions are asked of at most 1,000 items of each side (drawn by the seed): do both clouds come
/// from one distribution (energy distance, p by permutations), and does the threshold accept the same
/// share of all pairs (interval by the bootstrap over the new items)? Labels are not needed. New
/// classes of the same kind move the clouds a little, so the threshold is said to hold as long as the
/// share of accepted pairs does.
/// - Reference: Székely and Rizzo, Energy Statistics, 2013.
public struct Drift: Sendable, Equatable {
  /// Tells definitions apart.
  public static let definition =
    "energy-distance/permutations/accepted-pairs/bootstrap-over-items/at-most-1000-items-a-side"

  /// 2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖ over E‖x − y‖: 0 for equal distributions, 2 at most.
  public let energy: Double
  /// The share of permutations with at least this energy distance, the observed one counted.
  public let chance: Double
  /// The share of all pairs of items that the threshold accepts, before and now.
  public let acceptedBefore, acceptedNow: Double
  /// The middle 95 % of draws of the new items.
  public let acceptedInterval: ClosedRange<Double>
  /// Whether what was accepted before lies within the interval, widened by half.
  public let holds: Bool

  /// - Parameters:
  ///   - before: the embeddings of the calibration, [items, d].
  ///   - now: new ones, [items, d].
  ///   - threshold: the largest distance that is a match.
  /// - Throws: if the widths differ or a side has fewer than 10 items.
  /// - Complexity: O((1000² d + draws × 1000²) time.
  public init(
    before: Tensor, now: Tensor, threshold: Double, seed: Int = 0, draws: Int = 200
  ) throws(Failure) {
    for (tensor, name) in [(before, "calibration"), (now, "new embeddings")] {
      try EmbeddingSet(
        embeddings: tensor, labels: [Int](repeating: 0, count: tensor.shape.first ?? 0), name: name
      ).check()
      guard tensor.shape[0] >= 10 else {
        throw Failure(
          .badData, at: name, "there are \(tensor.shape[0]) items", expected: "at least 10")
      }
    }
    guard before.shape[1] == now.shape[1] else {
      throw Failure(
        .badData, at: "new embeddings", "they have \(now.shape[1]) columns",
        expected: "\(before.shape[1]), as those of the calibration",
        remedy: "embed both with the same model")
    }
    let random = Random(seed: UInt64(bitPattern: Int64(seed))).split("drift")
    let cloud = Cloud([drawn(before, random.split("before")), drawn(now, random.split("now"))])
    let observed = cloud.energy(cloud.order)
    let counts = (0..<draws).map { draw in
      var random = random.split("permutations").split(UInt64(draw))
      return cloud.energy(random.permutation(cloud.order.count)) >= observed ? 1 : 0
    }
    energy = observed
    chance = Double(counts.reduce(1, +)) / Double(draws + 1)
    let (first, second) = (0..<cloud.split, cloud.split..<cloud.order.count)
    acceptedBefore = cloud.accepted(Array(first), threshold) ?? 0
    acceptedNow = cloud.accepted(Array(second), threshold) ?? 0
    let shares = (0..<draws).map { draw -> Double? in
      var random = random.split("items").split(UInt64(draw))
      return cloud.accepted(
        second.map { _ in second.lowerBound + random.below(second.count) }, threshold)
    }
    let interval = ClassBootstrap.interval(shares) ?? acceptedNow...acceptedNow
    acceptedInterval = interval
    let low = acceptedNow - 1.5 * (acceptedNow - interval.lowerBound)
    let high = acceptedNow + 1.5 * (interval.upperBound - acceptedNow)
    holds = (low...max(low, high)).contains(acceptedBefore)
  }
}

/// At most 1,000 rows, drawn without replacement.
private func drawn(_ rows: Tensor, _ random: Random) -> [[Double]] {
  var random = random
  let (n, d) = (rows.shape[0], rows.shape[1])
  let values = rows.elements(as: Double.self)
  return random.permutation(n).prefix(1000).map { Array(values[$0 * d..<($0 + 1) * d]) }
}

/// Two clouds with all distances between their points.
private struct Cloud {
  /// Where the second cloud begins.
  let split: Int
  let order: [Int]
  private let distances: [Double]

  init(_ clouds: [[[Double]]]) {
    let points = clouds[0] + clouds[1]
    let count = points.count
    split = clouds[0].count
    order = Array(0..<count)
    var distances = [Double](repeating: 0, count: count * count)
    distances.withUnsafeMutableBufferPointer { distances in
      let distances = distances
      Parallel.forEach(count) { i in
        for j in 0..<count where j != i {
          distances[i * count + j] =
            zip(points[i], points[j]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
      }
    }
    self.distances = distances
  }

  /// The energy distance when the points stand in this order.
  func energy(_ order: [Int]) -> Double {
    let count = order.count
    var side = [Bool](repeating: false, count: count)
    for point in order[..<split] { side[point] = true }
    var sums = (within: 0.0, across: 0.0, other: 0.0)
    for i in 0..<count {
      for j in 0..<i {
        let distance = distances[i * count + j]
        if side[i] != side[j] {
          sums.across += distance
        } else if side[i] {
          sums.within += distance
        } else {
          sums.other += distance
        }
      }
    }
    let (m, n) = (Double(split), Double(count - split))
    let across = sums.across / (m * n)
    guard across > 0 else { return 0 }
    let energy = 2 * across - 2 * sums.within / (m * m) - 2 * sums.other / (n * n)
    return max(0, energy / across)
  }

  /// The share of pairs of different points that are at most `threshold` apart.
  func accepted(_ points: [Int], _ threshold: Double) -> Double? {
    var (accepted, total) = (0, 0)
    for (i, a) in points.enumerated() {
      for b in points[..<i] where a != b {
        total += 1
        if distances[a * order.count + b] <= threshold { accepted += 1 }
      }
    }
    return total > 0 ? Double(accepted) / Double(total) : nil
  }
}
