/// Which old pixels of an axis make each new one, and with which weights.
struct ResizeTaps {
  /// Bits of a weight behind the point.
  static let precision = 22

  /// The first old pixel of each new one, and how many there are.
  private(set) var firsts: [Int32] = []
  private(set) var counts: [Int32] = []
  /// `most` weights for each new pixel, of which the first `counts` are used.
  private(set) var weights: [Int32] = []
  let most: Int

  /// - Parameters:
  ///   - length: old pixels of the axis.
  ///   - range: the part of them that the new picture shows.
  ///   - newLength: new pixels.
  init(_ length: Int, _ range: ClosedRange<Double>, to newLength: Int, _ filter: ResizeFilter) {
    let scale = (range.upperBound - range.lowerBound) / Double(newLength)
    let stretch = max(scale, 1)
    let support = filter.support * stretch
    most = Int(support.rounded(.up)) * 2 + 1
    let steps = 1 / stretch
    firsts.reserveCapacity(newLength)
    counts.reserveCapacity(newLength)
    weights.reserveCapacity(newLength * most)
    for index in 0..<newLength {
      let centre = range.lowerBound + (Double(index) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let end = min(Int(centre + support + 0.5), length)
      let taps = (first..<max(end, first)).map { pixel in
        filter.weight(at: (Double(pixel) - centre + 0.5) * steps)
      }
      let sum = taps.reduce(0, +)
      firsts.append(Int32(first))
      counts.append(Int32(taps.count))
      for tap in taps {
        let value = (sum != 0 ? tap / sum : tap) * Double(1 << ResizeTaps.precision)
        weights.append(Int32(value < 0 ? value - 0.5 : value + 0.5))
      }
      weights += repeatElement(0, count: most - taps.count)
    }
  }

  /// The old pixels that any new one is made of.
  var used: Range<Int> {
    let end = zip(firsts, counts).map { Int($0 + $1) }.max() ?? 0
    return Int(firsts.min() ?? 0)..<end
  }
}
