import Foundation

/// Matching and other pairs at one distance, for fitting probabilities.
public struct PairCount: Sendable {
  public let distance: Double
  public let positives, negatives: Int

  public init(distance: Double, positives: Int, negatives: Int) {
    (self.distance, self.positives, self.negatives) = (distance, positives, negatives)
  }
}

/// The probability of a match as a logistic function of the distance.
///
/// p(d) = 1 / (1 + exp(−(intercept + slope · d))), by maximum likelihood with Platt's targets
/// (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2), which keep it finite for separable pairs. It holds for the
/// share of matching pairs that it was fitted on.
/// Source: Platt, 1999; Lin, Lin and Weng, A Note on Platt's Probabilistic Outputs, 2007.
public struct PlattMap: Sendable, Equatable {
  public let slope, intercept: Double

  public init(slope: Double, intercept: Double) {
    (self.slope, self.intercept) = (slope, intercept)
  }

  /// - Parameter counts: pairs; without any, the map says 1/2.
  /// - Complexity: O(counts) a round, at most 100 rounds.
  public init(_ counts: [PairCount]) {
    let positives = counts.reduce(0.0) { $0 + Double($1.positives) }
    let negatives = counts.reduce(0.0) { $0 + Double($1.negatives) }
    let total = positives + negatives
    guard total > 0 else {
      self.init(slope: 0, intercept: 0)
      return
    }
    // Standardised distances keep the two unknowns from hiding behind each other.
    let mean = counts.reduce(0.0) { $0 + Double($1.positives + $1.negatives) * $1.distance } / total
    let square = counts.reduce(0.0) { sum, count in
      let offset = count.distance - mean
      return sum + Double(count.positives + count.negatives) * offset * offset
    }
    let deviation = square > 0 ? (square / total).squareRoot() : 1
    let problem = LogisticProblem(
      rows: counts.map {
        (($0.distance - mean) / deviation, Double($0.positives), Double($0.negatives))
      }, high: (positives + 1) / (positives + 2), low: 1 / (negatives + 2))
    let (a, b) = problem.solution(from: (0, log((positives + 1) / (negatives + 1))))
    self.init(slope: a / deviation, intercept: b - a * mean / deviation)
  }

  public func probability(atDistance distance: Double) -> Double {
    1 / (1 + exp(-(intercept + slope * distance)))
  }
}

/// Weighted logistic regression on one variable with soft targets, by Newton's method.
private struct LogisticProblem {
  let rows: [(x: Double, positives: Double, negatives: Double)]
  let high, low: Double

  private func loss(_ a: Double, _ b: Double) -> Double {
    rows.reduce(0) { sum, row in
      let z = b + a * row.x
      let (no, yes) = (softplus(z), softplus(-z))
      let ofPositives = row.positives * (high * yes + (1 - high) * no)
      return sum + ofPositives + row.negatives * (low * yes + (1 - low) * no)
    }
  }

  func solution(from start: (a: Double, b: Double)) -> (a: Double, b: Double) {
    var (a, b) = start
    var value = loss(a, b)
    let total = rows.reduce(0) { $0 + $1.positives + $1.negatives }
    for _ in 0..<100 {
      var gradient = (a: 0.0, b: 0.0)
      var curve = (aa: 1e-12, ab: 0.0, bb: 1e-12)
      for row in rows {
        let p = 1 / (1 + exp(-(b + a * row.x)))
        let slope = row.positives * (p - high) + row.negatives * (p - low)
        gradient = (gradient.a + slope * row.x, gradient.b + slope)
        let w = (row.positives + row.negatives) * p * (1 - p)
        curve = (curve.aa + w * row.x * row.x, curve.ab + w * row.x, curve.bb + w)
      }
      guard max(abs(gradient.a), abs(gradient.b)) > 1e-12 * total else { break }
      let determinant = max(curve.aa * curve.bb - curve.ab * curve.ab, 1e-300)
      let stepA = (curve.bb * gradient.a - curve.ab * gradient.b) / determinant
      let stepB = (curve.aa * gradient.b - curve.ab * gradient.a) / determinant
      var (size, isBetter) = (1.0, false)
      while size > 1e-10, !isBetter {
        let next = loss(a - size * stepA, b - size * stepB)
        if next < value {
          (a, b, value, isBetter) = (a - size * stepA, b - size * stepB, next, true)
        }
        size /= 2
      }
      guard isBetter else { break }
    }
    return (a, b)
  }

  /// log(1 + eᶻ) without overflow.
  private func softplus(_ z: Double) -> Double { max(z, 0) + log1p(exp(-abs(z))) }
}

/// The probability of a match as the falling function of the distance that fits best.
///
/// Pool-adjacent-violators on the share of matching pairs (least squares); between two steps it goes
/// on a straight line. It holds for the share of matching pairs that it was fitted on.
/// Source: Zadrozny and Elkan, 2002.
public struct IsotonicMap: Sendable, Equatable {
  /// Ascending, and the probabilities at them, which never rise.
  public let distances, probabilities: [Double]

  init(distances: [Double], probabilities: [Double]) {
    (self.distances, self.probabilities) = (distances, probabilities)
  }

  /// - Parameter counts: pairs by ascending distance.
  /// - Complexity: O(counts).
  public init(_ counts: [PairCount]) {
    var blocks: [(first: Double, last: Double, positives: Int, total: Int)] = []
    for count in counts where count.positives + count.negatives > 0 {
      var block = (
        first: count.distance, last: count.distance, positives: count.positives,
        total: count.positives + count.negatives
      )
      // Products of counts of pairs may be too large for whole numbers.
      while let last = blocks.last,
        Double(last.positives) * Double(block.total) <= Double(block.positives) * Double(last.total)
      {
        block = (
          last.first, block.last, last.positives + block.positives, last.total + block.total
        )
        blocks.removeLast()
      }
      blocks.append(block)
    }
    var (distances, probabilities) = ([Double](), [Double]())
    for block in blocks {
      for distance in block.first < block.last ? [block.first, block.last] : [block.first] {
        distances.append(distance)
        probabilities.append(Double(block.positives) / Double(block.total))
      }
    }
    (self.distances, self.probabilities) = (distances, probabilities)
  }

  /// The probability; that of the nearest end outside of what was fitted, 1/2 if nothing was.
  public func probability(atDistance distance: Double) -> Double {
    guard let first = probabilities.first, let last = probabilities.last else { return 0.5 }
    guard let above = distances.firstIndex(where: { $0 >= distance }) else { return last }
    guard above > 0 else { return first }
    let share = (distance - distances[above - 1]) / (distances[above] - distances[above - 1])
    return probabilities[above - 1] + share * (probabilities[above] - probabilities[above - 1])
  }
}

/// How well probabilities fit pairs.
public struct ProbabilityFit: Sendable, Equatable {
  /// The mean square of probability − outcome.
  public let brier: Double
  /// The mean of |probability − share of matches| over ten equally wide bins of probability, each
  /// weighing as many pairs as it holds.
  public let calibrationError: Double

  init(brier: Double, calibrationError: Double) {
    (self.brier, self.calibrationError) = (brier, calibrationError)
  }

  /// - Returns: nil without pairs.
  public init?(_ counts: [PairCount], _ probability: (_ distance: Double) -> Double) {
    var (sum, total) = (0.0, 0.0)
    var bins = Array(repeating: (probability: 0.0, positives: 0.0), count: 10)
    for count in counts {
      let p = probability(count.distance)
      let (yes, no) = (Double(count.positives), Double(count.negatives))
      sum += yes * (1 - p) * (1 - p) + no * p * p
      total += yes + no
      let bin = min(9, max(0, Int(p * 10)))
      bins[bin].probability += p * (yes + no)
      bins[bin].positives += yes
    }
    guard total > 0 else { return nil }
    brier = sum / total
    calibrationError = bins.reduce(0) { $0 + abs($1.probability - $1.positives) } / total
  }
}
