/// A change that was made to the pixels of a lossless picture so that they pack better.
struct VP8LTransform {
  enum Kind: Int { case prediction, crossColour, subtractedGreen, indices }

  let kind: Kind
  /// The width of the picture before the change, and after it.
  let width, codedWidth: Int
  /// The size of a square that is treated alike, or how densely indices lie, as a power of two.
  let bits: Int
  /// What is done in each square, or the colours.
  let data: [UInt32]

  /// The sums of the four bytes of two pixels.
  @inline(__always)
  static func sum(_ a: UInt32, _ b: UInt32) -> UInt32 {
    // & binds more tightly than &+.
    let even = ((a & 0x00FF_00FF) &+ (b & 0x00FF_00FF)) & 0x00FF_00FF
    let odd = ((a & 0xFF00_FF00) &+ (b & 0xFF00_FF00)) & 0xFF00_FF00
    return even | odd
  }

  /// The pixels before the change.
  func undone(_ pixels: [UInt32], height: Int) -> [UInt32] {
    switch kind {
    case .subtractedGreen:
      return pixels.map { pixel in
        let green = pixel >> 8 & 0xFF
        return VP8LTransform.sum(pixel, green << 16 | green)
      }
    case .indices: return looked(pixels, height: height)
    case .crossColour: return uncrossed(pixels, height: height)
    case .prediction: return predicted(pixels, height: height)
    }
  }

  private func looked(_ pixels: [UInt32], height: Int) -> [UInt32] {
    let (size, perPixel) = (8 >> bits, 1 << bits)
    let mask = UInt32(1) << UInt32(size) - 1
    var result = [UInt32](repeating: 0, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        let packed = pixels[y * codedWidth + x / perPixel] >> 8 & 0xFF
        let index = Int(packed >> UInt32(x % perPixel * size) & mask)
        // Colours behind the last are clear and black.
        if index < data.count { result[y * width + x] = data[index] }
      }
    }
    return result
  }

  private var squaresAcross: Int { (width + 1 << bits - 1) >> bits }

  private func uncrossed(_ pixels: [UInt32], height: Int) -> [UInt32] {
    func part(_ factor: UInt32, _ colour: UInt32) -> Int32 {
      let (a, b) = (
        Int8(truncatingIfNeeded: factor), Int8(truncatingIfNeeded: colour)
      )
      return (Int32(a) * Int32(b)) >> 5
    }
    var result = pixels
    for y in 0..<height {
      for x in 0..<width {
        let factors = data[(y >> bits) * squaresAcross + x >> bits]
        let pixel = pixels[y * width + x]
        let green = pixel >> 8
        let red =
          UInt32(truncatingIfNeeded: Int32(pixel >> 16 & 0xFF) + part(factors, green)) & 0xFF
        let blue =
          Int32(pixel & 0xFF) + part(factors >> 8, green) + part(factors >> 16, red)
        result[y * width + x] =
          pixel & 0xFF00_FF00 | red << 16 | UInt32(truncatingIfNeeded: blue) & 0xFF
      }
    }
    return result
  }

  private func predicted(_ pixels: [UInt32], height: Int) -> [UInt32] {
    var pixels = pixels
    pixels.withUnsafeMutableBufferPointer { pixels in
      for y in 0..<height {
        let row = y * width
        for x in 0..<width {
          let place = row + x
          let prediction: UInt32
          if y == 0 {
            prediction = x == 0 ? 0xFF00_0000 : pixels[place - 1]
          } else if x == 0 {
            prediction = pixels[place - width]
          } else {
            let mode = data[(y >> bits) * squaresAcross + x >> bits] >> 8 & 15
            // Right of the last column stands the first of this row.
            prediction = VP8LTransform.prediction(
              Int(mode), left: pixels[place - 1], above: pixels[place - width],
              aboveLeft: pixels[place - width - 1], aboveRight: pixels[place - width + 1])
          }
          pixels[place] = VP8LTransform.sum(pixels[place], prediction)
        }
      }
    }
    return pixels
  }

  @inline(__always)
  private static func mean(_ a: UInt32, _ b: UInt32) -> UInt32 {
    ((a ^ b) & 0xFEFE_FEFE) >> 1 &+ (a & b)
  }

  private static func prediction(
    _ mode: Int, left: UInt32, above: UInt32, aboveLeft: UInt32, aboveRight: UInt32
  ) -> UInt32 {
    switch mode {
    case 1: left
    case 2: above
    case 3: aboveRight
    case 4: aboveLeft
    case 5: mean(mean(left, aboveRight), above)
    case 6: mean(left, aboveLeft)
    case 7: mean(left, above)
    case 8: mean(aboveLeft, above)
    case 9: mean(above, aboveRight)
    case 10: mean(mean(left, aboveLeft), mean(above, aboveRight))
    case 11: selected(left, above, aboveLeft)
    case 12: byBytes(left, above, aboveLeft) { $0 + $1 - $2 }
    case 13:
      byBytes(mean(left, above), aboveLeft, 0) { mean, corner, _ in mean + (mean - corner) / 2 }
    default: 0xFF00_0000
    }
  }

  /// Left or above, whichever is nearer to left + above - corner.
  private static func selected(_ left: UInt32, _ above: UInt32, _ corner: UInt32) -> UInt32 {
    var difference = 0
    for shift in stride(from: UInt32(0), through: 24, by: 8) {
      let (l, a, c) = (
        Int(left >> shift & 0xFF), Int(above >> shift & 0xFF), Int(corner >> shift & 0xFF)
      )
      difference += abs(l - c) - abs(a - c)
    }
    return difference <= 0 ? above : left
  }

  @inline(__always)
  private static func byBytes(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ combine: (Int, Int, Int) -> Int
  ) -> UInt32 {
    var result: UInt32 = 0
    for shift in stride(from: UInt32(0), through: 24, by: 8) {
      let value = combine(Int(a >> shift & 0xFF), Int(b >> shift & 0xFF), Int(c >> shift & 0xFF))
      result |= UInt32(max(0, min(255, value))) << shift
    }
    return result
  }
}
