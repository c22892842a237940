import Autodiff
import Foundation

/// An angle that is added to the angle between two vectors.
struct AngularMargin<S: Scalar> {
  let radians, cosine, sine: S

  init(degrees: Double) {
    radians = S(degrees * .pi / 180)
    cosine = S(cos(degrees * .pi / 180))
    sine = S(sin(degrees * .pi / 180))
  }

  /// cos(θ + m) for cos θ, and its derivative in cos θ.
  ///
  /// The derivative is unbounded at θ = 0; it is held at what it is √ε from there.
  @inline(__always)
  func added(to value: S) -> (value: S, slope: S) {
    let value = min(1, max(-1, value))
    let sineOfAngle = max(0, 1 - value * value).squareRoot()
    return (
      value * cosine - sineOfAngle * sine,
      cosine + value / max(sineOfAngle, S.ulpOfOne.squareRoot()) * sine
    )
  }

  /// As ``added(to:)`` while θ + m is not beyond 180°, and from there cos θ - m sin m.
  @inline(__always)
  func addedWithinHalfTurn(to value: S) -> (value: S, slope: S) {
    value >= -cosine ? added(to: value) : (value - radians * sine, 1)
  }
}
