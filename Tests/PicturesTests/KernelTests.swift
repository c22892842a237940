import CPictures
import Testing

/// The kernels of each instruction set against the plain loops they stand for.
@Suite("Kernels of pictures")
struct KernelTests {
  private struct Numbers {
    private var state: UInt64 = 7
    mutating func next(_ range: ClosedRange<Int>) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int(state >> 33) % (range.upperBound - range.lowerBound + 1)
    }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(next(0...255)) } }
  }

  private static let sets = [Int32(CP_PORTABLE), Int32(CP_AVX2)].filter { cp_has_isa($0) != 0 }

  private func cut(_ value: Int) -> UInt8 { UInt8(max(0, min(255, value))) }

  /// One pass of the inverse cosine transform, as images with lawful coefficients need it.
  private func pass(_ c: [Int], shift: Int) -> [Int] {
    let z = (c[2] + c[6]) * 4433
    let (t2, t3) = (z - c[6] * 15137, z + c[2] * 6270)
    let (t0, t1) = ((c[0] + c[4]) << 13, (c[0] - c[4]) << 13)
    let even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3]
    let (z1, z2) = ((c[7] + c[1]) * -7373, (c[5] + c[3]) * -20995)
    let z5 = (c[7] + c[3] + c[5] + c[1]) * 9633
    let (z3, z4) = (z5 - (c[7] + c[3]) * 16069, z5 - (c[5] + c[1]) * 3196)
    let odd = [
      c[1] * 12299 + z1 + z4, c[3] * 25172 + z2 + z3, c[5] * 16819 + z2 + z4,
      c[7] * 2446 + z1 + z3,
    ]
    let half = 1 << (shift - 1)
    return (0..<4).map { (even[$0] + odd[$0] + half) >> shift }
      + (0..<4).reversed().map { (even[$0] - odd[$0] + half) >> shift }
  }

  @Test(arguments: sets)
  func inverseTransform(_ isa: Int32) {
    let kernels = cp_kernels_of(isa)
    var numbers = Numbers()
    for round in 0..<300 {
      var block = [Int16](repeating: 0, count: 64)
      for _ in 0..<[1, 3, 10, 64][round % 4] {
        block[numbers.next(0...(round % 8 == 0 ? 7 : 63))] = Int16(numbers.next(-60...60))
      }
      let quantizer = (0..<64).map { _ in UInt16(numbers.next(1...30)) }
      let values = (0..<64).map { Int(block[$0]) * Int(quantizer[$0]) }
      let columns = (0..<8).map { x in pass((0..<8).map { values[8 * $0 + x] }, shift: 11) }
      let expected = (0..<8).flatMap { y in
        pass((0..<8).map { columns[$0][y] }, shift: 18).map { cut($0 + 128) }
      }
      var samples = [UInt8](repeating: 0, count: 64)
      kernels.pointee.inverse_transform(block, quantizer, &samples, 8)
      #expect(samples == expected)
    }
  }

  @Test(arguments: sets)
  func widening(_ isa: Int32) {
    let kernels = cp_kernels_of(isa)
    var numbers = Numbers()
    for count in Array(3...40) + [100, 255] {
      let (near, far) = (numbers.bytes(count), numbers.bytes(count))
      var target = [UInt8](repeating: 0, count: 2 * count)
      func at(_ i: Int) -> Int { Int(near[max(0, min(count - 1, i))]) }
      func sum(_ i: Int) -> Int {
        3 * at(i) + Int(far[max(0, min(count - 1, i))])
      }
      kernels.pointee.widen(near, count, &target)
      var expected = (0..<count).flatMap { i in
        [cut((3 * at(i) + at(i - 1) + 1) >> 2), cut((3 * at(i) + at(i + 1) + 2) >> 2)]
      }
      (expected[0], expected[2 * count - 1]) = (near[0], near[count - 1])
      #expect(target == expected)
      kernels.pointee.widen_both(near, far, count, &target)
      #expect(
        target
          == (0..<count).flatMap { i in
            [
              cut((3 * sum(i) + sum(i - 1) + 8) >> 4), cut((3 * sum(i) + sum(i + 1) + 7) >> 4),
            ]
          })
      for bias in [1, 2] {
        var row = [UInt8](repeating: 0, count: count)
        kernels.pointee.blend_rows(near, far, count, Int32(bias), &row)
        #expect(row == (0..<count).map { cut((sum($0) + bias) >> 2) })
      }
    }
  }

  @Test(arguments: sets)
  func colour(_ isa: Int32) {
    let kernels = cp_kernels_of(isa)
    var numbers = Numbers()
    for count in [1, 15, 16, 17, 64, 1001] {
      let (y, cb, cr) = (numbers.bytes(count), numbers.bytes(count), numbers.bytes(count))
      var target = [UInt8](repeating: 0, count: 3 * count)
      kernels.pointee.to_rgb(y, cb, cr, count, &target)
      let expected = (0..<count).flatMap { i -> [UInt8] in
        let (luma, blue, red) = (Int(y[i]), Int(cb[i]) - 128, Int(cr[i]) - 128)
        return [
          cut(luma + (91881 * red + 32768) >> 16),
          cut(luma + (-22554 * blue - 46802 * red + 32768) >> 16),
          cut(luma + (116130 * blue + 32768) >> 16),
        ]
      }
      #expect(target == expected)
    }
  }

  @Test(arguments: sets)
  func resampling(_ isa: Int32) {
    let kernels = cp_kernels_of(isa)
    var numbers = Numbers()
    for channels in 1...4 {
      for taps in [1, 2, 3, 7] {
        let (width, count) = (20, 9)
        let row = numbers.bytes(width * channels)
        let firsts = (0..<count).map { _ in Int32(numbers.next(0...(width - taps))) }
        let counts = [Int32](repeating: Int32(taps), count: count)
        let weights = (0..<count * taps).map { _ in
          Int32(numbers.next(-200_000...(5 << 20)) / taps)
        }
        var target = [UInt8](repeating: 0, count: count * channels)
        kernels.pointee.resample_across(
          row, channels, count, firsts, counts, weights, taps, row.count, &target)
        let expected = (0..<count * channels).map { i -> UInt8 in
          let (pixel, channel) = (i / channels, i % channels)
          let sum = (0..<taps).reduce(1 << 21) { sum, tap in
            sum + Int(row[(Int(firsts[pixel]) + tap) * channels + channel])
              * Int(weights[pixel * taps + tap])
          }
          return cut(sum >> 22)
        }
        #expect(target == expected)
        for columns in [1, 31, 32, 77] {
          let rows = numbers.bytes(taps * columns)
          var below = [UInt8](repeating: 0, count: columns)
          kernels.pointee.resample_down(rows, columns, columns, weights, taps, &below)
          let expected = (0..<columns).map { (x: Int) -> UInt8 in
            var sum = 1 << 21
            for tap in 0..<taps { sum += Int(rows[tap * columns + x]) * Int(weights[tap]) }
            return cut(sum >> 22)
          }
          #expect(below == expected)
        }
      }
    }
  }
}
