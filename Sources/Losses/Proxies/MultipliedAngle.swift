import Foundation

/// ψ(θ) = (-1)ᵏ cos(m θ) - 2 k with k = ⌊m θ / 180°⌋: the cosine of a multiplied angle, made to fall
/// all the way to 180°.
struct MultipliedAngle {
  /// m.
  let times: Int

  /// ψ for cos θ and its derivative in cos θ, which is (-1)ᵏ m sin(m θ) / sin θ and at most m².
  func callAsFunction(cosine: Double) -> (value: Double, slope: Double) {
    let cosine = min(1, max(-1, cosine))
    let (angle, factor) = (acos(cosine), Double(times))
    let turn = min(factor - 1, (angle * factor / .pi).rounded(.down))
    let sign: Double = turn.truncatingRemainder(dividingBy: 2) == 0 ? 1 : -1
    let sine = sin(angle)
    // The limits at 0° and 180°.
    let ratio =
      sine > 1e-8 ? sin(factor * angle) / sine : cosine > 0 || times % 2 == 1 ? factor : -factor
    return (sign * cos(factor * angle) - 2 * turn, sign * factor * ratio)
  }
}
