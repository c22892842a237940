/// Reads the coefficients of macroblocks: what predictions lack.
struct VP8Residue {
  private static let zigzag = [0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15]
  /// The band of each place; one more, which is never read from.
  private static let bands = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 0]
  /// The probabilities of the bits of large values, by category.
  private static let large: [[UInt8]] = [
    [173, 148, 140], [176, 155, 140, 135], [180, 157, 141, 134, 130],
    [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129],
  ]

  /// Whether the blocks above and to the left have coefficients: 4 of luma, 2 and 2 of colour, and
  /// the one of direct coefficients.
  private var above: [[UInt8]]
  private var left = [UInt8](repeating: 0, count: 9)
  /// For each kind of block, place and context, 11 probabilities.
  private let probabilities: [UInt8]

  init(_ header: VP8Header, across: Int) {
    above = [[UInt8]](repeating: [UInt8](repeating: 0, count: 9), count: across)
    probabilities = (0..<4).flatMap { kind in
      VP8Residue.bands.flatMap { band in
        let start = (kind * 8 + band) * 33
        return header.probabilities[start..<start + 33]
      }
    }
  }

  mutating func startRow() { left = [UInt8](repeating: 0, count: 9) }

  /// Notes a macroblock without coefficients.
  mutating func skip(column: Int, isSmall: Bool) {
    // One with modes for small blocks has no block of direct coefficients, so that flag stays.
    let (up, side) = (above[column][8], left[8])
    above[column] = [UInt8](repeating: 0, count: 9)
    left = above[column]
    if isSmall { (above[column][8], left[8]) = (up, side) }
  }

  /// Reads the 16 blocks of luma and the 8 of colour, dequantised.
  ///
  /// - Returns: whether any coefficient is not zero.
  mutating func read(
    _ coefficients: inout [Int16], column: Int, isSmall: Bool,
    _ quantizers: VP8Header.Quantizers, _ bits: inout VP8Bits
  ) -> Bool {
    for index in coefficients.indices { coefficients[index] = 0 }
    var up = above[column]
    var hasAny = false
    var first = 0
    if !isSmall {
      let context = Int(up[8] + left[8])
      let count = readBlock(
        &coefficients, at: 24 * 16, kind: 1, context: context, first: 0, quantizers.second, &bits)
      (up[8], left[8]) = count > 0 ? (1, 1) : (0, 0)
      spreadDirect(&coefficients)
      first = 1
    }
    for y in 0..<4 {
      for x in 0..<4 {
        let block = (4 * y + x) * 16
        let count = readBlock(
          &coefficients, at: block, kind: isSmall ? 3 : 0, context: Int(up[x] + left[y]),
          first: first, quantizers.luma, &bits)
        (up[x], left[y]) = count > first ? (1, 1) : (0, 0)
        hasAny = hasAny || count > 1 || coefficients[block] != 0
      }
    }
    for plane in 0..<2 {
      for y in 0..<2 {
        for x in 0..<2 {
          let (top, side) = (4 + 2 * plane + x, 4 + 2 * plane + y)
          let block = (16 + 4 * plane + 2 * y + x) * 16
          let count = readBlock(
            &coefficients, at: block, kind: 2, context: Int(up[top] + left[side]), first: 0,
            quantizers.chroma, &bits)
          (up[top], left[side]) = count > 0 ? (1, 1) : (0, 0)
          hasAny = hasAny || count > 1 || coefficients[block] != 0
        }
      }
    }
    above[column] = up
    return hasAny
  }

  /// Reads one block.
  ///
  /// - Returns: one more than the place of the last coefficient; `first` or 0 for none.
  private func readBlock(
    _ coefficients: inout [Int16], at block: Int, kind: Int, context: Int, first: Int,
    _ quantizer: (Int, Int), _ bits: inout VP8Bits
  ) -> Int {
    probabilities.withUnsafeBufferPointer { probabilities in
      func start(_ place: Int, _ context: Int) -> Int { ((kind * 17 + place) * 3 + context) * 11 }
      var place = first
      var p = start(place, context)
      while place < 16 {
        if !bits.bit(probabilities[p]) { return place }
        while !bits.bit(probabilities[p + 1]) {
          place += 1
          if place == 16 { return 16 }
          p = start(place, 0)
        }
        var value = 1
        if bits.bit(probabilities[p + 2]) {
          value = VP8Residue.largeValue(probabilities, p, &bits)
          p = start(place + 1, 2)
        } else {
          p = start(place + 1, 1)
        }
        if bits.flag() { value = -value }
        coefficients[block + VP8Residue.zigzag[place]] = Int16(
          truncatingIfNeeded: value * (place > 0 ? quantizer.1 : quantizer.0))
        place += 1
      }
      return 16
    }
  }

  /// A value of 2 or more.
  private static func largeValue(
    _ p: UnsafeBufferPointer<UInt8>, _ start: Int, _ bits: inout VP8Bits
  ) -> Int {
    if !bits.bit(p[start + 3]) {
      return !bits.bit(p[start + 4]) ? 2 : 3 + bits.number(p[start + 5])
    }
    if !bits.bit(p[start + 6]) {
      if !bits.bit(p[start + 7]) { return 5 + bits.number(159) }
      return 7 + 2 * bits.number(165) + bits.number(145)
    }
    let high = bits.number(p[start + 8])
    let category = 2 * high + bits.number(p[start + 9 + high])
    let value = large[category].reduce(0) { value, probability in
      2 * value + bits.number(probability)
    }
    return value + 3 + 8 << category
  }

  /// Makes the direct coefficients of the 16 blocks of luma out of their own block.
  ///
  /// Source: RFC 6386, section 14.3 (a Walsh-Hadamard transform).
  private func spreadDirect(_ coefficients: inout [Int16]) {
    let c = (0..<16).map { Int(coefficients[24 * 16 + $0]) }
    var rows = [Int](repeating: 0, count: 16)
    for x in 0..<4 {
      let (a0, a1) = (c[x] + c[12 + x], c[4 + x] + c[8 + x])
      let (a2, a3) = (c[4 + x] - c[8 + x], c[x] - c[12 + x])
      (rows[x], rows[4 + x], rows[8 + x], rows[12 + x]) = (a0 + a1, a3 + a2, a0 - a1, a3 - a2)
    }
    for y in 0..<4 {
      let r = rows[4 * y..<4 * y + 4]
      let start = 4 * y
      let (a0, a1) = (r[start] + 3 + r[start + 3], r[start + 1] + r[start + 2])
      let (a2, a3) = (r[start + 1] - r[start + 2], r[start] + 3 - r[start + 3])
      for (x, value) in [a0 + a1, a3 + a2, a0 - a1, a3 - a2].enumerated() {
        coefficients[(start + x) * 16] = Int16(truncatingIfNeeded: value >> 3)
      }
    }
  }
}
