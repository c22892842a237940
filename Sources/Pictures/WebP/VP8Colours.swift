extension VP8Planes {
  /// Opaque pixels: colour is interpolated from the four nearest samples, 9, 3, 3 and 1 of 16.
  ///
  /// - Complexity: O(width · height).
  func colours(width: Int, height: Int) -> [UInt32] {
    let columns = (width + 1) / 2
    return [UInt32](unsafeUninitializedCapacity: width * height) { pixels, count in
      count = width * height
      guard let base = pixels.baseAddress else { return }
      for row in 0..<height {
        // The nearer row of colour, and the other; both the same at the edges.
        let near = row / 2
        let last = (height - 1) / 2
        let far = row % 2 == 0 ? max(near - 1, 0) : min(near + 1, last)
        let luma = y + row * lumaStride
        let target = base + row * width
        let (nearU, farU) = (u + near * chromaStride, u + far * chromaStride)
        let (nearV, farV) = (v + near * chromaStride, v + far * chromaStride)
        @inline(__always)
        func write(_ x: Int, _ blue: Int32, _ red: Int32) {
          target[x] = VP8Planes.pixel(Int32(luma[x]), blue, red)
        }
        func edge(_ near: UnsafeMutablePointer<UInt8>, _ far: UnsafeMutablePointer<UInt8>, _ x: Int)
          -> Int32
        {
          (3 * Int32(near[x]) + Int32(far[x]) + 2) >> 2
        }
        write(0, edge(nearU, farU, 0), edge(nearV, farV, 0))
        for x in stride(from: 1, to: columns, by: 1) {
          let blue = VP8Planes.between(nearU, farU, x)
          let red = VP8Planes.between(nearV, farV, x)
          write(2 * x - 1, blue.left, red.left)
          if 2 * x < width { write(2 * x, blue.right, red.right) }
        }
        if width % 2 == 0 {
          write(width - 1, edge(nearU, farU, columns - 1), edge(nearV, farV, columns - 1))
        }
      }
    }
  }

  /// The two values between samples x - 1 and x of the nearer row.
  @inline(__always)
  private static func between(
    _ near: UnsafeMutablePointer<UInt8>, _ far: UnsafeMutablePointer<UInt8>, _ x: Int
  ) -> (left: Int32, right: Int32) {
    let (a, b) = (Int32(near[x &- 1]), Int32(near[x]))
    let (c, d) = (Int32(far[x &- 1]), Int32(far[x]))
    let sum = a &+ b &+ c &+ d &+ 8
    let left = (sum &+ 2 &* (b &+ c)) &>> 3
    let right = (sum &+ 2 &* (a &+ d)) &>> 3
    return ((left &+ a) &>> 1, (right &+ b) &>> 1)
  }

  /// Source: ITU-R BT.601 in 14-bit fixed point, as libwebp has it.
  @inline(__always)
  private static func pixel(_ luma: Int32, _ blue: Int32, _ red: Int32) -> UInt32 {
    @inline(__always)
    func cut(_ value: Int32) -> UInt32 {
      UInt32(truncatingIfNeeded: max(0, min(255, value &>> 6)))
    }
    let y = (luma &* 19077) &>> 8
    let r = cut(y &+ (red &* 26149) &>> 8 &- 14234)
    let g = cut(y &- (blue &* 6419) &>> 8 &- (red &* 13320) &>> 8 &+ 8708)
    let b = cut(y &+ (blue &* 33050) &>> 8 &- 17685)
    return 0xFF00_0000 | r &<< 16 | g &<< 8 | b
  }
}
