/// The largest of each window; what lies outside the images counts as minus infinity.
///
/// Where several are largest, the first in the order of rows has the gradient. Every window must
/// reach into its image: the padding is less than the kernel's side.
/// - Parameter x: [images, height, width, channels].
/// - Returns: [images, rows, columns, channels] with rows = ⌊(height + 2 padding - size) / s⌋ + 1.
public func maxPool(_ x: Tensor, size: Int, stride: Int, padding: Int = 0) -> Tensor {
  precondition(
    (1...15).contains(size) && (0..<size).contains(padding),
    "maxPool: size \(size), padding \(padding)")
  let s = WindowShape(
    x, kernelHeight: size, kernelWidth: size, stride: stride, padding: Padding(padding))
  let places = Places(count: s.windows * s.channels)
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let y = largest(x.detached, s, places, of: S.self)
    return y.recorded("maxPool", x.edge { largestGradient($0, s, places, of: S.self) })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

private func largest<S: Scalar>(
  _ x: Tensor, _ s: WindowShape, _ places: Places, of _: S.Type
) -> Tensor {
  Tensor(shape: [s.images, s.rows, s.columns, s.channels], of: S.self) { y in
    guard let y = y.baseAddress else { return }
    let (x, place) = (x.base(of: S.self), places.base)
    Parallel.forEach(s.images * s.rows) { line in
      let image = x + line / s.rows * s.size
      let (rows, row) = s.kernelRows(line % s.rows)
      for j in 0..<s.columns {
        let start = (line * s.columns + j) * s.channels
        let (top, at) = (y + start, place + start)
        let (columns, column) = s.kernelColumns(j)
        var isFirst = true
        for u in rows {
          for v in columns {
            let source = image + ((row + u) * s.width + column + v) * s.channels
            let tap = UInt8(u * s.kernelWidth + v)
            if isFirst {
              top.update(from: source, count: s.channels)
              at.update(repeating: tap, count: s.channels)
              isFirst = false
            } else {
              for c in 0..<s.channels where source[c] > top[c] {
                (top[c], at[c]) = (source[c], tap)
              }
            }
          }
        }
      }
    }
    withExtendedLifetime(places) {}
  }
}

private func largestGradient<S: Scalar>(
  _ cotangent: Tensor, _ s: WindowShape, _ places: Places, of _: S.Type
) -> Tensor {
  Tensor(shape: [s.images, s.height, s.width, s.channels], of: S.self) { x in
    guard let x = x.baseAddress else { return }
    let (g, place) = (cotangent.base(of: S.self), places.base)
    Parallel.forEach(s.images) { image in
      let target = x + image * s.size
      target.update(repeating: 0, count: s.size)
      for window in 0..<s.rows * s.columns {
        let start = (image * s.rows * s.columns + window) * s.channels
        let (row, column) = (
          s.kernelRows(window / s.columns).first, s.kernelColumns(window % s.columns).first
        )
        for c in 0..<s.channels {
          let tap = Int(place[start + c])
          let pixel =
            (row + tap / s.kernelWidth) * s.width + column + tap % s.kernelWidth
          target[pixel * s.channels + c] += g[start + c]
        }
      }
    }
    withExtendedLifetime((cotangent, places)) {}
  }
}

/// The mean of each channel over the pixels of an image.
///
/// - Parameter x: [images, height, width, channels], of at least one pixel.
/// - Returns: [images, channels].
public func meanOverPixels(_ x: Tensor) -> Tensor {
  precondition(
    x.shape.count == 4 && x.shape[1] * x.shape[2] > 0,
    "meanOverPixels: expected images with pixels, not shape \(x.shape)")
  let (shape, pixels, channels) = (x.shape, x.shape[1] * x.shape[2], x.shape[3])
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let share = 1 / S(pixels)
    let y = Tensor(shape: [shape[0], channels], of: S.self) { y in
      guard let y = y.baseAddress else { return }
      let source = x.base(of: S.self)
      Parallel.forEach(shape[0]) { image in
        let sum = y + image * channels
        sum.update(repeating: 0, count: channels)
        for pixel in 0..<pixels {
          let row = source + (image * pixels + pixel) * channels
          for c in 0..<channels { sum[c] += row[c] }
        }
        for c in 0..<channels { sum[c] *= share }
      }
      withExtendedLifetime(x) {}
    }
    return y.recorded(
      "meanOverPixels",
      x.edge { cotangent in
        Tensor(shape: shape, of: S.self) { result in
          guard let result = result.baseAddress else { return }
          let g = cotangent.base(of: S.self)
          Parallel.forEach(shape[0]) { image in
            let first = result + image * pixels * channels
            for c in 0..<channels { first[c] = g[image * channels + c] * share }
            for pixel in 1..<max(1, pixels) where pixels > 1 {
              (first + pixel * channels).update(from: first, count: channels)
            }
          }
          withExtendedLifetime(cotangent) {}
        }
      })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}
