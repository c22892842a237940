import Autodiff
import Foundation
import Settings

/// Generated characters: any number of classes of strokes, drawn by different writers.
///
/// A class is a few curved strokes, drawn from the seed and the class's number. Every item is that
/// character by another writer: its points moved a little, slanted, turned, scaled and shifted,
/// with a pen of another width, and with noise. The same seed gives the same items.
public struct Glyphs: DataSource {
  public var classes = 100
  public var perClass = 20
  public var size = 28
  public var testFraction = 0.5
  public var noise = 0.05
  public var seed = 0

  public init() {}

  public static let summary = "generated stroke-drawn characters of any number of classes; ink = 1"
  public static let settings = [
    Setting("classes", \Self.classes, "how many classes there are", in: 2...1_000_000),
    Setting("perClass", \Self.perClass, "how many items each class has", in: 2...1_000_000),
    Setting("size", \Self.size, "the width and height of a picture", in: 8...512),
    Setting("testFraction", \Self.testFraction, "the share of classes to judge on", in: 0...1),
    Setting("noise", \Self.noise, "the deviation of what is added to every pixel", in: 0...1),
    Setting("seed", \Self.seed, "what all strokes are drawn from"),
  ]

  public func load(root: String) throws(Failure) -> DataSplit {
    let random = Random(seed: UInt64(seed)).split("glyphs")
    let (count, pixels) = (classes * perClass, size * size)
    let (total, overflow) = count.multipliedReportingOverflow(by: pixels)
    guard !overflow, total <= 1 << 32 else {
      throw Failure(
        .badData, at: "data: glyphs", "\(classes) classes of \(perClass) items are too many",
        expected: "2^32 pixels at most")
    }
    try MemoryBudget.check([total], bytesEach: 4, for: "the pictures", at: "data: glyphs")
    let values = [Float](unsafeUninitializedCapacity: total) { values, initialized in
      Parallel.forEachRange(count, grain: 64) { items in
        for item in items {
          let (label, writer) = (item / perClass, item % perClass)
          let character = random.split(UInt64(label))
          draw(
            strokes: Glyphs.strokes(character), by: character.split(UInt64(writer)),
            into: UnsafeMutableBufferPointer(
              rebasing: values[item * pixels..<(item + 1) * pixels]))
        }
      }
      initialized = total
    }
    let data = Dataset(
      name: "glyphs", itemShape: [size, size, 1], values: values,
      labels: (0..<count).map { $0 / perClass }, classNames: (0..<classes).map { "glyph \($0)" },
      itemNames: (0..<count).map { "glyph \($0 / perClass) by writer \($0 % perClass)" })
    return try ClassSplit(testClasses: [], testFraction: testFraction, seed: seed)
      .apply(to: data, at: "data: glyphs")
  }

  public var tone: PictureTone { .inkIsOne }
}

/// A point of the unit square, y downwards.
private typealias Point = SIMD2<Double>

extension Glyphs {
  /// The strokes of a character: two to four curves of three control points.
  private static func strokes(_ character: Random) -> [[Point]] {
    var random = character.split("strokes")
    var start = Point(random.uniform(in: 0.15...0.85), random.uniform(in: 0.15...0.85))
    return (0..<2 + random.below(3)).map { _ in
      // Strokes are long enough to be seen, and half of them go on where the last one ended.
      var end = start
      repeat {
        end = Point(random.uniform(in: 0.1...0.9), random.uniform(in: 0.1...0.9))
      } while length(end - start) < 0.35
      let middle =
        (start + end) / 2
        + Point(random.uniform(in: -0.35...0.35), random.uniform(in: -0.35...0.35))
      let stroke = [start, middle, end]
      start =
        random.uniform() < 0.5
        ? end : Point(random.uniform(in: 0.15...0.85), random.uniform(in: 0.15...0.85))
      return stroke
    }
  }

  /// Draws a character as one writer does.
  private func draw(
    strokes: [[Point]], by writer: Random, into pixels: UnsafeMutableBufferPointer<Float>
  ) {
    var random = writer.split("writer")
    let angle = random.uniform(in: -0.2...0.2)
    let slant = random.uniform(in: -0.2...0.2)
    let stretch = Point(random.uniform(in: 0.75...1.0), random.uniform(in: 0.75...1.0))
    let shift = Point(random.uniform(in: -0.07...0.07), random.uniform(in: -0.07...0.07))
    let halfWidth = random.uniform(in: 0.025...0.05) * Double(size)
    func place(_ point: Point) -> Point {
      var p = (point - 0.5) * stretch
      p.x += slant * p.y
      let turned = Point(
        p.x * cos(angle) - p.y * sin(angle), p.x * sin(angle) + p.y * cos(angle))
      return (turned + 0.5 + shift) * Double(size)
    }
    var segments: [(from: Point, to: Point)] = []
    for stroke in strokes {
      let points = stroke.map {
        place($0 + Point(random.normal(), random.normal()) * 0.03)
      }
      let steps = 8
      var last = points[0]
      for step in 1...steps {
        let t = Double(step) / Double(steps)
        let next =
          points[0] * ((1 - t) * (1 - t)) + points[1] * (2 * t * (1 - t)) + points[2] * (t * t)
        segments.append((last, next))
        last = next
      }
    }
    for row in 0..<size {
      for column in 0..<size {
        let centre = Point(Double(column) + 0.5, Double(row) + 0.5)
        let nearest = segments.reduce(Double.infinity) { min($0, distance(centre, $1)) }
        let ink = min(1, max(0, halfWidth + 0.5 - nearest))
        let grain = noise > 0 ? noise * random.normal() : 0
        pixels[row * size + column] = Float(min(1, max(0, ink + grain)))
      }
    }
  }

  private func distance(_ point: Point, _ segment: (from: Point, to: Point)) -> Double {
    let along = segment.to - segment.from
    let squared = (along * along).sum()
    let t = squared > 0 ? ((point - segment.from) * along).sum() / squared : 0
    return length(point - segment.from - along * min(1, max(0, t)))
  }
}

private func length(_ p: Point) -> Double { (p * p).sum().squareRoot() }
