/// The ten modes of blocks of 4 × 4 pixels.
///
/// Source: RFC 6386, section 12.3.
enum VP8SmallModes {
  /// - Parameter edge: the left pixels from the lowest up (0 to 3), the corner (4), and eight pixels
  ///   above (5 to 12).
  static func predict(
    _ mode: UInt8, _ edge: [Int], _ target: UnsafeMutablePointer<UInt8>, _ stride: Int
  ) {
    /// Two neighbours of the edge, and three around a place.
    func two(_ place: Int) -> Int { (edge[place] + edge[place + 1] + 1) >> 1 }
    func three(_ place: Int) -> Int {
      (edge[place - 1] + 2 * edge[place] + edge[place + 1] + 2) >> 2
    }
    func fill(_ value: (_ x: Int, _ y: Int) -> Int) {
      for y in 0..<4 {
        for x in 0..<4 { target[y * stride + x] = UInt8(truncatingIfNeeded: value(x, y)) }
      }
    }
    switch VP8Mode(rawValue: mode) {
    case .gradient:
      fill { x, y in max(0, min(255, edge[5 + x] + edge[3 - y] - edge[4])) }
    case .vertical: fill { x, _ in three(5 + x) }
    case .horizontal:
      // Below the lowest pixel stands itself.
      fill { _, y in y < 3 ? three(3 - y) : (edge[1] + 3 * edge[0] + 2) >> 2 }
    case .rightDown: fill { x, y in three(4 + x - y) }
    case .leftDown:
      fill { x, y in x + y < 6 ? three(6 + x + y) : (edge[11] + 3 * edge[12] + 2) >> 2 }
    case .verticalRight:
      fill { x, y in
        let place = 2 * x - y
        if place < 0 { return place == -1 ? three(4) : three(5 - y) }
        return place % 2 == 0 ? two(4 + place / 2) : three(4 + (place + 1) / 2)
      }
    case .verticalLeft:
      fill { x, y in
        // The last two pixels break the pattern.
        if x == 3, y == 2 { return three(10) }
        if x == 3, y == 3 { return three(11) }
        return y % 2 == 0 ? two(5 + x + y / 2) : three(6 + x + y / 2)
      }
    case .horizontalDown:
      fill { x, y in
        let place = 2 * y - x
        if place < 0 { return place == -1 ? three(4) : three(3 + x) }
        return place % 2 == 0 ? two(3 - place / 2) : three(4 - (place + 1) / 2)
      }
    case .horizontalUp:
      fill { x, y in
        let place = x + 2 * y
        if place > 5 { return edge[0] }
        if place == 5 { return (edge[1] + 3 * edge[0] + 2) >> 2 }
        return place % 2 == 0 ? two(2 - place / 2) : three(2 - place / 2)
      }
    default:
      let sum = edge[0] + edge[1] + edge[2] + edge[3] + edge[5] + edge[6] + edge[7] + edge[8]
      fill { _, _ in (sum + 4) >> 3 }
    }
  }
}
