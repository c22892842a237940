import CPictures

/// Turns the coefficients of a block into samples: 8 × 8 of them, or fewer for a reduced picture.
///
/// Source: the accurate integer transform of the Independent JPEG Group (Loeffler, Ligtenberg and
/// Moschytz, *Practical fast 1-D DCT algorithms with 11 multiplications*, ICASSP 1989), and its
/// reduced forms.
struct JPEGTransform {
  /// Lies in the memory of the plane.
  private let quantizer: UnsafePointer<UInt16>
  private let blockSize: Int
  private let kernels = cp_best_kernels()

  init(_ component: JPEGFrame.Component, _ plane: JPEGPlane) {
    if let table = component.quantizer { plane.quantizer.update(from: table, count: 64) }
    quantizer = UnsafePointer(plane.quantizer)
    blockSize = component.blockSize
  }

  /// - Parameter last: the place of the last coefficient that is not zero, in the order of the
  ///   zigzag.
  @inline(__always)
  func callAsFunction(
    _ block: UnsafePointer<Int16>, last: Int, into samples: UnsafeMutablePointer<UInt8>,
    stride: Int
  ) {
    if last == 0 {
      // One value all over; sums of 16 bits, as in the kernel.
      let value = block[0] &* Int16(truncatingIfNeeded: quantizer[0])
      fill(samples, stride, JPEGTransform.flat(value, isWhole: blockSize == 8))
    } else if blockSize == 8 {
      kernels.pointee.inverse_transform(block, quantizer, samples, stride)
    } else {
      reduced(block, samples, stride)
    }
  }

  /// The sample that a direct coefficient alone makes.
  static func flat(_ coefficient: Int16, isWhole: Bool) -> UInt8 {
    // The first of two passes shifts by 2 within 16 bits.
    let wide = isWhole ? Int32(coefficient &<< 2) : Int32(coefficient) &<< 2
    return UInt8(max(-128, min(127, (wide &+ 16) >> 5)) + 128)
  }

  @inline(__always)
  private func fill(_ samples: UnsafeMutablePointer<UInt8>, _ stride: Int, _ value: UInt8) {
    for row in 0..<blockSize {
      (samples + row &* stride).update(repeating: value, count: blockSize)
    }
  }

  private func reduced(
    _ block: UnsafePointer<Int16>, _ samples: UnsafeMutablePointer<UInt8>, _ stride: Int
  ) {
    func at(_ row: Int, _ column: Int) -> Int {
      let place = 8 * row + column
      return Int(block[place]) * Int(quantizer[place])
    }
    func sample(_ sum: Int, shift: Int) -> UInt8 {
      UInt8(max(0, min(255, (sum + 1 << (shift - 1)) >> shift + 128)))
    }
    switch blockSize {
    case 1: samples[0] = UInt8(max(0, min(255, (at(0, 0) + 4) >> 3 + 128)))
    case 2:
      // Columns 2, 4 and 6 and rows of these numbers have no part in two samples.
      let columns = [0, 1, 3, 5, 7].map { column -> (Int, Int) in
        let even = at(0, column) << 15
        let odd = JPEGTransform.oddOfTwo((1...4).map { at(2 * $0 - 1, column) })
        return ((even + odd + 1 << 12) >> 13, (even - odd + 1 << 12) >> 13)
      }
      for row in 0..<2 {
        let values = columns.map { row == 0 ? $0.0 : $0.1 }
        let odd = JPEGTransform.oddOfTwo(Array(values.dropFirst()))
        samples[row * stride] = sample(values[0] << 15 + odd, shift: 20)
        samples[row * stride + 1] = sample(values[0] << 15 - odd, shift: 20)
      }
    default:
      var columns: [[Int]] = []
      for column in 0..<8 where column != 4 {
        columns.append(
          JPEGTransform.four((0..<8).map { at($0, column) }).map { ($0 + 1 << 11) >> 12 })
      }
      columns.insert([0, 0, 0, 0], at: 4)
      for row in 0..<4 {
        for (column, sum) in JPEGTransform.four(columns.map { $0[row] }).enumerated() {
          samples[row * stride + column] = sample(sum, shift: 19)
        }
      }
    }
  }

  /// Coefficients 1, 3, 5 and 7 in two samples, in 13-bit fixed point.
  private static func oddOfTwo(_ odd: [Int]) -> Int {
    odd[3] * -5906 + odd[2] * 6967 + odd[1] * -10426 + odd[0] * 29692
  }

  /// Four samples of eight coefficients, in 13-bit fixed point and doubled.
  private static func four(_ c: [Int]) -> [Int] {
    let even = c[0] << 14
    let second = c[2] * 15137 + c[6] * -6270
    let inner = c[7] * -1730 + c[5] * 11893 + c[3] * -17799 + c[1] * 8697
    let outer = c[7] * -4176 + c[5] * -4926 + c[3] * 7373 + c[1] * 20995
    return [
      even + second + outer, even - second + inner, even - second - inner, even + second - outer,
    ]
  }
}
