import Autodiff
import Foundation

/// A threshold of one stored item, learned from its own answers, with a bound on the error rate.
///
/// The item remembers how similar later questions were and whether its answer would have been right.
/// The probability of a right answer is a logistic function of the similarity, fitted to them; its
/// middle t is uncertain and is pushed up by the quantile of its spread. For every ε,
/// α(ε) = (1 − ε) σ(γ (s − min(1, t + z₁₋ε √Var t))) is a cautious probability of being right, and the
/// answer is checked with probability τ = min over ε of 1 − δ / (1 − α), so that the share of answers
/// that are given unchecked and wrong stays below δ. Reconstructed from a description of the code; for
/// separable answers, whose middle may lie anywhere in the gap, the spread is that of the uniform
/// distribution over the gap, where the code has a table.
/// Source: Schroeder et al., vCache: Verified Semantic Prompt Caching, 2025.
public struct ItemThreshold: Sendable {
  /// Observations that are needed before any answer is trusted, those of both ends included.
  public static let least = 6

  /// Similarities (0 … 1, 1 for identical items) and whether the answer was right.
  public private(set) var observations: [(similarity: Double, isRight: Bool)] = [
    (0, false), (1, true),
  ]

  public init() {}

  /// Remembers an answer that was checked. Similarities are kept to three digits.
  public mutating func observe(similarity: Double, isRight: Bool) {
    observations.append(((min(1, max(0, similarity)) * 1000).rounded() / 1000, isRight))
  }

  /// The probability with which the item's answer must be checked rather than given.
  ///
  /// - Parameter errorRate: δ, above 0 and below 1.
  /// - Complexity: O(observations).
  public func checkingProbability(similarity: Double, errorRate: Double) -> Double {
    guard observations.count >= ItemThreshold.least else { return 1 }
    return AnswerFit(observations).checkingProbability(
      similarity: similarity, errorRate: errorRate)
  }

  /// Whether to check the answer, by a draw.
  public func mustCheck(similarity: Double, errorRate: Double, random: inout Random) -> Bool {
    random.uniform() <= checkingProbability(similarity: similarity, errorRate: errorRate)
  }
}

/// P(right | s) = σ(γ (s − middle)), with the standard deviation of the middle.
package struct AnswerFit {
  package var steepness, middle, deviation: Double

  package init(steepness: Double, middle: Double, deviation: Double) {
    (self.steepness, self.middle, self.deviation) = (steepness, middle, deviation)
  }

  /// τ; see ``ItemThreshold``.
  package func checkingProbability(similarity: Double, errorRate: Double) -> Double {
    var least = 1.0
    for (i, quantile) in AnswerFit.quantiles.enumerated() {
      let threshold = min(1, max(0, middle + quantile * deviation))
      let right = 1 / (1 + exp(-steepness * (similarity - threshold)))
      let cautious = (1 - AnswerFit.share(i)) * right
      least = min(least, 1 - errorRate / max(1e-12, 1 - cautious))
    }
    return max(0, least)
  }

  private static func share(_ i: Int) -> Double { 1e-6 + (1 - 2e-6) * Double(i) / 49 }
  private static let quantiles = (0..<50).map { normalQuantile(1 - share($0)) }
}

extension AnswerFit {
  /// By maximum likelihood.
  package init(_ observations: [(similarity: Double, isRight: Bool)]) {
    let firstRight = observations.filter(\.isRight).map(\.similarity).min() ?? 1
    let lastWrong = observations.filter { !$0.isRight }.map(\.similarity).max() ?? 0
    guard firstRight <= lastWrong else {
      // The steepest curves fit best; this one goes from 0 to 1 within the gap.
      let gap = max(firstRight - lastWrong, 1e-3)
      (middle, deviation) = ((firstRight + lastWrong) / 2, gap / 12.0.squareRoot())
      steepness = 10 / gap
      return
    }
    var (b, g) = (0.0, 0.0)
    var information = (bb: 1.0, bg: 0.0, gg: 1.0)
    for _ in 0..<200 {
      var gradient = (b: 0.0, g: 0.0)
      information = (0, 0, 0)
      for (s, isRight) in observations {
        let p = 1 / (1 + exp(-(b + g * s)))
        let miss = (isRight ? 1 : 0) - p
        gradient = (gradient.b + miss, gradient.g + miss * s)
        let w = p * (1 - p)
        information = (information.bb + w, information.bg + w * s, information.gg + w * s * s)
      }
      let determinant = information.bb * information.gg - information.bg * information.bg
      guard max(abs(gradient.b), abs(gradient.g)) > 1e-8, determinant > 1e-12 else { break }
      let stepB = (information.gg * gradient.b - information.bg * gradient.g) / determinant
      let stepG = (information.bb * gradient.g - information.bg * gradient.b) / determinant
      let size = max(1, max(abs(stepB), abs(stepG)) / 10)
      (b, g) = (b + stepB / size, g + stepG / size)
    }
    steepness = max(g, 1e-6)
    middle = min(1, max(0, -b / steepness))
    let determinant = max(
      information.bb * information.gg - information.bg * information.bg, 1e-12)
    let slopes = (b: -1 / steepness, g: b / (steepness * steepness))
    let cross = slopes.b * slopes.g * information.bg
    let variance =
      (slopes.b * slopes.b * information.gg - 2 * cross
        + slopes.g * slopes.g * information.bb) / determinant
    deviation = min(1, max(0, variance).squareRoot())
  }
}

/// The quantile of the standard normal distribution, by bisection.
package func normalQuantile(_ share: Double) -> Double {
  var (low, high) = (-40.0, 40.0)
  for _ in 0..<80 {
    let middle = (low + high) / 2
    if erfc(-middle / 2.0.squareRoot()) / 2 < share { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
