import Autodiff

/// The nearest of the pairs that do not match, ascending, with the classes of both ends.
package struct NegativeTail<S: Scalar> {
  package struct Pair {
    package let square: S
    package let first, second: Int32
  }

  package let pairs: [Pair]
  /// Whether there are no other pairs that do not match.
  package let isWhole: Bool

  /// - Parameter count: the least number of pairs to find, if there are as many.
  /// - Complexity: one pass over all distances; memory for `count` pairs and those equally near
  ///   within 0.2 %.
  package init(_ distances: DistanceRows<S>, bins: [Int], count: Int) {
    var (last, sum) = (0, 0)
    while last < bins.count {
      sum += bins[last]
      if sum >= count { break }
      last += 1
    }
    isWhole = sum == bins.reduce(0, +)
    let bound = last
    let classes = distances.gallery.classes
    let found = distances.reducePairs([Pair]()) { lane, row, first, line in
      let number = classes[row]
      for (place, square) in line.enumerated() where DistanceBin.of(square) <= bound {
        let other = classes[first + place]
        guard other != number else { continue }
        lane.append(
          Pair(
            square: square, first: Int32(min(number, other)), second: Int32(max(number, other))))
      }
    }
    // Equal squares are passed together, so that their order does not matter.
    pairs = found.flatMap { $0 }.sorted { $0.square < $1.square }
  }

  /// Where more than a share of the pairs would be accepted, when class c counts `weights[c]` times.
  ///
  /// - Returns: the last square that may be accepted (0 if there is none) and the next one, which
  ///   may not; nil if the tail ends before.
  package func crossing(share: Double, weights: [Int], total: Int) -> (accepted: S, refused: S)? {
    // The factor mends products such as 0.29 · 100 that fall short of the whole number.
    let limit = Int((share * Double(total) * (1 + 1e-12)).rounded(.down))
    var sum = 0
    var (accepted, current) = (S(0), S(0))
    for pair in pairs {
      let weight = weights[Int(pair.first)] * weights[Int(pair.second)]
      guard weight > 0 else { continue }
      if pair.square > current { (accepted, current) = (current, pair.square) }
      sum += weight
      if sum > limit { return (accepted, current) }
    }
    return nil
  }
}
