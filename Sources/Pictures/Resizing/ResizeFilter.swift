import Foundation

/// How a pixel of a resized picture is made of those of the old one, as Pillow names the ways.
///
/// Where a picture shrinks, filters are stretched, so that every old pixel counts.
///
/// Source: the filters of Pillow; Keys, *Cubic convolution interpolation for digital image
/// processing* (1981), a = -0.5; Duchon, *Lanczos filtering in one and two dimensions* (1979).
public enum ResizeFilter: String, CaseIterable, Sendable {
  case nearest, box, bilinear, hamming, bicubic, lanczos

  /// How far it reaches to either side, in pixels of the smaller picture.
  var support: Double {
    switch self {
    case .nearest, .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at a distance in pixels of the smaller picture.
  func weight(at distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest, .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .hamming:
      guard x > 0, x < 1 else { return x == 0 ? 1 : 0 }
      let angle = x * Double.pi
      return sin(angle) / angle * (0.54 + 0.46 * cos(angle))
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos:
      return distance >= -3 && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0
    }
  }

  private func sinc(_ x: Double) -> Double {
    x == 0 ? 1 : sin(x * Double.pi) / (x * Double.pi)
  }
}
