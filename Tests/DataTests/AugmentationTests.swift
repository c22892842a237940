import Autodiff
import Data
import Foundation
import Settings
import Testing

@Suite("Augmentation")
struct AugmentationTests {
  private func jittered(
    _ source: [Float], _ shape: [Int], by jitter: AffineJitter, _ random: inout Random
  ) -> [Float] {
    var target = [Float](repeating: .nan, count: source.count)
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer {
        jitter.apply(to: source, shape: shape, into: $0, random: &random)
      }
    }
    return target
  }

  private func jitter(rotation: Double, scale: Double, shift: Double) -> AffineJitter {
    var jitter = AffineJitter()
    (jitter.rotation, jitter.scale, jitter.shift) = (rotation, scale, shift)
    return jitter
  }

  private func noise(_ count: Int, seed: UInt64) -> [Float] {
    var random = Random(seed: seed)
    return (0..<count).map { _ in Float(random.uniform()) }
  }

  @Test(
    "Without any range the picture stays as it is", arguments: [[5, 5, 1], [4, 7, 3], [1, 1, 1]])
  func identity(shape: [Int]) {
    let source = noise(shape.reduce(1, *), seed: 1)
    var random = Random(seed: 2)
    #expect(
      jittered(source, shape, by: jitter(rotation: 0, scale: 0, shift: 0), &random) == source)
  }

  @Test("Vectors stay as they are")
  func vectors() {
    let source = noise(6, seed: 1)
    var random = Random(seed: 2)
    #expect(jittered(source, [6], by: AffineJitter(), &random) == source)
  }

  /// Samples where the inverse of the map x ↦ s·R·(x - c) + c + t, as a matrix, leads.
  private func reference(
    _ source: [Float], _ shape: [Int], by jitter: AffineJitter, _ random: inout Random
  ) -> [Double] {
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let angle = random.uniform(in: -jitter.rotation...jitter.rotation) * .pi / 180
    let scale = random.uniform(in: 1 - jitter.scale...1 + jitter.scale)
    let tx = random.uniform(in: -jitter.shift...jitter.shift) * Double(width)
    let ty = random.uniform(in: -jitter.shift...jitter.shift) * Double(height)
    // s·R = (a, b; c, d), with y downwards: a positive angle turns from x towards y.
    let (a, b, c, d) = (
      scale * cos(angle), -scale * sin(angle), scale * sin(angle), scale * cos(angle)
    )
    let determinant = a * d - b * c
    var result: [Double] = []
    for row in 0..<height {
      for column in 0..<width {
        let u = Double(column) - Double(width - 1) / 2 - tx
        let v = Double(row) - Double(height - 1) / 2 - ty
        let x = (d * u - b * v) / determinant + Double(width - 1) / 2
        let y = (a * v - c * u) / determinant + Double(height - 1) / 2
        for channel in 0..<channels {
          var sum = 0.0
          for i in 0..<height {
            for j in 0..<width {
              // The bilinear weight of a pixel is a tent around it.
              let weight = max(0, 1 - abs(x - Double(j))) * max(0, 1 - abs(y - Double(i)))
              sum += weight * Double(source[(i * width + j) * channels + channel])
            }
          }
          result.append(sum)
        }
      }
    }
    return result
  }

  @Test(
    "Every pixel comes from where the affine map says",
    arguments: [[11, 11, 1], [8, 13, 3], [2, 5, 1], [1, 1, 3]])
  func affine(shape: [Int]) {
    let source = noise(shape.reduce(1, *), seed: 3)
    let settings = [
      AffineJitter(), jitter(rotation: 180, scale: 0.9, shift: 1),
      jitter(rotation: 45, scale: 0, shift: 0), jitter(rotation: 0, scale: 0.5, shift: 0),
      jitter(rotation: 0, scale: 0, shift: 0.3),
    ]
    for (number, jitter) in settings.enumerated() {
      for draw in 0..<20 {
        let start = Random(seed: 4).split(UInt64(number * 100 + draw))
        var (ours, theirs) = (start, start)
        let found = jittered(source, shape, by: jitter, &ours)
        let expected = reference(source, shape, by: jitter, &theirs)
        #expect(ours == theirs)
        let error = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? .infinity
        // Float rounding of a coordinate of about 10, times ten at the smallest scale.
        #expect(error < 2e-4, "\(jitter.settingValues), draw \(draw): \(error)")
      }
    }
  }

  @Test("Turns, scales and shifts span their ranges and are level on average")
  func ranges() {
    // A bright dot off the centre of a dark picture shows where it is moved to.
    let (size, dot) = (41, 30)
    var source = [Float](repeating: 0, count: size * size)
    source[20 * size + dot] = 1
    var (angles, shifts): ([Double], [Double]) = ([], [])
    for draw in 0..<400 {
      var random = Random(seed: 6).split(UInt64(draw))
      let turned = jittered(
        source, [size, size, 1], by: jitter(rotation: 30, scale: 0, shift: 0), &random)
      let (x, y) = centre(of: turned, width: size)
      angles.append(atan2(y - 20, x - 20) * 180 / .pi)
      let shifted = jittered(
        source, [size, size, 1], by: jitter(rotation: 0, scale: 0, shift: 0.1), &random)
      shifts.append(centre(of: shifted, width: size).x - Double(dot))
    }
    // Bilinear sampling spreads the dot, hence a little room.
    #expect(angles.allSatisfy { abs($0) < 32 } && angles.contains { $0 > 27 })
    #expect(angles.contains { $0 < -27 } && abs(angles.reduce(0, +)) / 400 < 3)
    #expect(shifts.allSatisfy { abs($0) < 4.11 } && shifts.contains { $0 > 3.8 })
    #expect(shifts.contains { $0 < -3.8 } && abs(shifts.reduce(0, +)) / 400 < 0.4)
  }

  private func centre(of picture: [Float], width: Int) -> (x: Double, y: Double) {
    var (sum, x, y) = (0.0, 0.0, 0.0)
    for (place, value) in picture.enumerated() {
      sum += Double(value)
      x += Double(value) * Double(place % width)
      y += Double(value) * Double(place / width)
    }
    return (x / sum, y / sum)
  }

  @Test("The registry names every augmentation once and refuses what is out of range")
  func registry() throws {
    #expect(Set(allAugmentations.map(\.name)).count == allAugmentations.count)
    let affine = try allAugmentations.named("affine", kind: "augmentation", at: "recipe")
    #expect(failure { _ = try affine.setting(["rotation": 181], at: "r") }.kind == .badData)
    #expect(failure { _ = try affine.setting(["scale": 1], at: "r") }.kind == .badData)
    #expect(failure { _ = try affine.setting(["shift": -0.1], at: "r") }.kind == .badData)
  }
}
