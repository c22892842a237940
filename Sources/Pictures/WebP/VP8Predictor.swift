/// Foretells the pixels of macroblocks and adds what is coded.
///
/// Source: RFC 6386, sections 12 and 14.
struct VP8Predictor {
  private let planes: VP8Planes

  init(_ planes: VP8Planes) { self.planes = planes }

  /// - Parameter coefficients: of 16 blocks of luma and 4 and 4 of colour, 16 each.
  func reconstruct(
    _ block: VP8Frame.Macroblock, _ coefficients: [Int16], column: Int, row: Int
  ) {
    coefficients.withUnsafeBufferPointer { coefficients in
      let luma = planes.y + row * 16 * planes.lumaStride + column * 16
      if block.isSmall {
        small(block, coefficients, luma, column: column, row: row)
      } else {
        predict(block.modes[0], luma, planes.lumaStride, size: 16, column: column, row: row)
        for index in 0..<16 where !block.isSkipped {
          add(
            coefficients, 16 * index,
            to: luma + index / 4 * 4 * planes.lumaStride + index % 4 * 4, planes.lumaStride)
        }
      }
      for (plane, base) in [planes.u, planes.v].enumerated() {
        let stride = planes.chromaStride
        let target = base + row * 8 * stride + column * 8
        predict(block.chromaMode, target, stride, size: 8, column: column, row: row)
        for index in 0..<4 where !block.isSkipped {
          add(
            coefficients, 16 * (16 + 4 * plane + index),
            to: target + index / 2 * 4 * stride + index % 2 * 4, stride)
        }
      }
    }
  }

  /// A square of one mode. Above the picture lies 127, to the left 129.
  private func predict(
    _ mode: UInt8, _ target: UnsafeMutablePointer<UInt8>, _ stride: Int, size: Int, column: Int,
    row: Int
  ) {
    func above(_ x: Int) -> Int { row > 0 ? Int(target[x - stride]) : 127 }
    func left(_ y: Int) -> Int { column > 0 ? Int(target[y * stride - 1]) : 129 }
    func fill(_ value: (Int, Int) -> Int) {
      for y in 0..<size {
        for x in 0..<size { target[y * stride + x] = UInt8(truncatingIfNeeded: value(x, y)) }
      }
    }
    switch VP8Mode(rawValue: mode) {
    case .vertical: fill { x, _ in above(x) }
    case .horizontal:
      for y in 0..<size {
        let value = UInt8(truncatingIfNeeded: left(y))
        for x in 0..<size { target[y * stride + x] = value }
      }
    case .gradient:
      let corner = row == 0 ? 127 : column == 0 ? 129 : Int(target[-stride - 1])
      fill { x, y in max(0, min(255, above(x) + left(y) - corner)) }
    default:
      // Only what lies in the picture counts.
      var (sum, count) = (0, 0)
      if row > 0 {
        sum += (0..<size).reduce(0) { $0 + above($1) }
        count += size
      }
      if column > 0 {
        sum += (0..<size).reduce(0) { $0 + left($1) }
        count += size
      }
      let mean = count == 0 ? 128 : (sum + count / 2) / count
      fill { _, _ in mean }
    }
  }

  /// Blocks of 4 × 4, each with its mode.
  private func small(
    _ block: VP8Frame.Macroblock, _ coefficients: UnsafeBufferPointer<Int16>,
    _ luma: UnsafeMutablePointer<UInt8>, column: Int, row: Int
  ) {
    let stride = planes.lumaStride
    // Right of the macroblock above; the last column repeats its last pixel there.
    let beyond: [Int] = (0..<4).map { x in
      guard row > 0 else { return 127 }
      return Int(luma[(column < planes.across - 1 ? 16 + x : 15) - stride])
    }
    for index in 0..<16 {
      let (x, y) = (index % 4 * 4, index / 4 * 4)
      let target = luma + y * stride + x
      let hasAbove = row > 0 || y > 0
      let hasLeft = column > 0 || x > 0
      // The left pixels from the lowest up, the corner, and eight pixels above.
      var edge = [Int](repeating: 0, count: 13)
      for i in 0..<4 { edge[3 - i] = hasLeft ? Int(target[i * stride - 1]) : 129 }
      edge[4] = !hasAbove ? 127 : hasLeft ? Int(target[-stride - 1]) : 129
      for i in 0..<4 { edge[5 + i] = hasAbove ? Int(target[i - stride]) : 127 }
      for i in 0..<4 {
        edge[9 + i] = x == 12 ? beyond[i] : hasAbove ? Int(target[4 + i - stride]) : 127
      }
      VP8SmallModes.predict(block.modes[index], edge, target, stride)
      if !block.isSkipped { add(coefficients, 16 * index, to: target, stride) }
    }
  }

  /// Adds the inverse transform of a block.
  private func add(
    _ coefficients: UnsafeBufferPointer<Int16>, _ start: Int,
    to target: UnsafeMutablePointer<UInt8>, _ stride: Int
  ) {
    @inline(__always)
    func wide(_ a: Int32) -> Int32 { (a &* 20091) &>> 16 &+ a }
    @inline(__always)
    func narrow(_ a: Int32) -> Int32 { (a &* 35468) &>> 16 }
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: 16) { middle in
      for x in 0..<4 {
        func c(_ y: Int) -> Int32 { Int32(coefficients[start + 4 * y + x]) }
        let (a, b) = (c(0) &+ c(2), c(0) &- c(2))
        let (d, e) = (narrow(c(1)) &- wide(c(3)), wide(c(1)) &+ narrow(c(3)))
        (middle[4 * x], middle[4 * x + 1]) = (a &+ e, b &+ d)
        (middle[4 * x + 2], middle[4 * x + 3]) = (b &- d, a &- e)
      }
      for y in 0..<4 {
        func c(_ x: Int) -> Int32 { middle[4 * x + y] }
        let (a, b) = (c(0) &+ 4 &+ c(2), c(0) &+ 4 &- c(2))
        let (d, e) = (narrow(c(1)) &- wide(c(3)), wide(c(1)) &+ narrow(c(3)))
        let row = target + y &* stride
        func put(_ x: Int, _ sum: Int32) {
          row[x] = UInt8(max(0, min(255, Int32(row[x]) &+ sum &>> 3)))
        }
        put(0, a &+ e)
        put(1, b &+ d)
        put(2, b &- d)
        put(3, a &- e)
      }
    }
  }
}
