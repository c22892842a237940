import Autodiff
import Foundation
import Settings

/// Pictures turned, scaled and shifted a little.
///
/// Each draws its angle from ±rotation, its scale from 1 ± scale and its shift in either direction
/// from ±shift, uniformly. A target pixel p takes the source at R⁻¹(p - c - t)/s + c, between
/// pixels in proportion (bilinear); what lies outside is 0. Items that are no pictures stay as they
/// are.
public struct AffineJitter: Augmentation {
  public var rotation = 10.0
  public var scale = 0.15
  public var shift = 0.05

  public init() {}

  public static let summary = "pictures turned, scaled and shifted a little; outside is 0"
  public static let settings = [
    Setting("rotation", \Self.rotation, "the largest turn, in degrees", in: 0...180),
    Setting("scale", \Self.scale, "the largest change of size, as a share", in: 0...0.9),
    Setting("shift", \Self.shift, "the largest shift, as a share of the size", in: 0...1),
  ]

  public func apply(
    to source: UnsafeBufferPointer<Float>, shape: [Int],
    into target: UnsafeMutableBufferPointer<Float>, random: inout Random
  ) {
    guard shape.count == 3 else {
      _ = target.update(fromContentsOf: source)
      return
    }
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let angle = random.uniform(in: -rotation...rotation) * .pi / 180
    let factor = random.uniform(in: 1 - scale...1 + scale)
    let shiftX = random.uniform(in: -shift...shift) * Double(width)
    let shiftY = random.uniform(in: -shift...shift) * Double(height)
    let (centreX, centreY) = (Double(width - 1) / 2, Double(height - 1) / 2)
    // The inverse map: its steps along a row and along a column.
    let (stepX, stepY) = (Float(cos(angle) / factor), Float(sin(angle) / factor))
    for row in 0..<height {
      let dy = Float(Double(row) - centreY - shiftY)
      let dx = Float(-centreX - shiftX)
      var x = stepX * dx + stepY * dy + Float(centreX)
      var y = -stepY * dx + stepX * dy + Float(centreY)
      for column in 0..<width {
        let place = (row * width + column) * channels
        let (left, top) = (x.rounded(.down), y.rounded(.down))
        if left < -1 || top < -1 || left >= Float(width) || top >= Float(height) {
          for channel in 0..<channels { target[place + channel] = 0 }
        } else {
          let (i, j) = (Int(top), Int(left))
          let (right, down) = (x - left, y - top)
          for channel in 0..<channels {
            func pixel(_ i: Int, _ j: Int) -> Float {
              guard i >= 0, j >= 0, i < height, j < width else { return 0 }
              return source[(i * width + j) * channels + channel]
            }
            let above = pixel(i, j) * (1 - right) + pixel(i, j + 1) * right
            let below = pixel(i + 1, j) * (1 - right) + pixel(i + 1, j + 1) * right
            target[place + channel] = above * (1 - down) + below * down
          }
        }
        x += stepX
        y -= stepY
      }
    }
  }
}
