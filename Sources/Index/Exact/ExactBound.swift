import Autodiff

/// A query as a frame sees it, and how far a float32 product may be from what is true.
///
/// With rows v and the query q in the frame, rows are ordered by a = ½‖v‖² − q·v, or by a = −q·v for
/// inner products. Let u = 2⁻²⁴. Rounding q and v, a sum of d products in any order, ½‖v‖² and the
/// difference make an error of at most
///
///     |a − true a| ≤ c₁ ‖q‖ ‖v‖ + c₂ ‖v‖² + tiny,   c₁ = (d + 8) u / (1 − (d + 8) u), c₂ = 4 u,
///
/// where tiny covers numbers below those that float32 holds in full. A row at a distance of at most D
/// has ‖v‖ ≤ ‖q‖ + D and, truly, a = ½(D² − ‖q‖²) at most. So if the last of the best candidates lies
/// at D, all rows that can be among the best have an `a` of at most that plus the error, however far
/// others are; what lies above this limit needs no second look.
/// - Source: Higham, *Accuracy and Stability of Numerical Algorithms* (2002), section 3.1.
struct ExactBound {
  /// ‖q‖ in the frame.
  private let length: Double
  /// The scale of the query in products: that of the rows for distances, else one of its own.
  private let scale: Double
  /// q · c, what the centre takes from all products.
  private let centerProduct: Double
  private let first, tiny: Double
  /// How wrong sums in float64 may be, beside the squares or products of lengths.
  private let wide: Double
  private let frame: ExactFrame
  private let isSquared: Bool

  /// Writes the query in the frame to `narrow`.
  ///
  /// - Parameter query: in float64, of unit length for cosines.
  init(
    _ query: UnsafePointer<Double>, _ frame: ExactFrame, columns: Int, isSquared: Bool,
    to narrow: UnsafeMutablePointer<Float>
  ) {
    var (square, product, scale) = (0.0, 0.0, frame.scale)
    if isSquared {
      for j in 0..<columns {
        let number = (query[j] - (frame.center?[j] ?? 0)) * scale
        square += number * number
        narrow[j] = Float(number)
      }
    } else {
      for j in 0..<columns { square += query[j] * query[j] }
      let exponent = square > 0 ? -square.squareRoot().exponent : 0
      scale = Double(sign: .plus, exponent: exponent, significand: 1)
      square *= scale * scale
      for j in 0..<columns { narrow[j] = Float(query[j] * scale) }
      if let center = frame.center {
        for j in 0..<columns { product += query[j] * center[j] }
      }
    }
    let sum = Double(columns + 8) * 0x1p-24
    first = sum < 0.5 ? sum / (1 - sum) : .infinity
    tiny = Double(columns + 4) * 0x1p-120
    wide = Double(columns + 16) * 0x1p-50
    (length, self.scale, centerProduct) = (square.squareRoot(), scale, product)
    (self.isSquared, self.frame) = (isSquared, frame)
  }

  /// Whether float32 products may overflow or tell nothing; then all rows are compared in float64.
  var isBeyondProducts: Bool { !(length < 0x1p70) || first == .infinity }

  /// The largest `a` of a row that may be at least as near as one of a score.
  ///
  /// - Parameter longest: the length of the longest row in question, for inner products.
  func limit(score: Double, longest: Double) -> Double {
    guard !isBeyondProducts else { return .infinity }
    var (best, row, rounding) = (0.0, longest, 0.0)
    if isSquared {
      let distance = score.squareRoot() * scale
      row = length + distance
      best = (distance - length) * row / 2
      rounding = wide * (length + row) * (length + row)
    } else {
      best = -(score - centerProduct) * scale * frame.scale
      rounding =
        wide * length * (frame.rawLength + frame.centerLength) * frame.scale + wide * abs(best)
    }
    let product = first * length * row + 0x1p-22 * row * row
    return best + product + rounding + 0x1p-100 * (length + row) + tiny
  }
}
