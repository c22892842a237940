extension Reference {
  /// The mean and the biased variance of each column.
  public static func moments<S: Scalar>(
    _ mean: UnsafeMutablePointer<S>, _ variance: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>,
    rows: Int, columns: Int
  ) {
    let count = S(max(1, rows))
    mean.update(repeating: 0, count: columns)
    variance.update(repeating: 0, count: columns)
    for i in 0..<rows { for c in 0..<columns { mean[c] += x[i * columns + c] } }
    for c in 0..<columns { mean[c] /= count }
    for i in 0..<rows {
      for c in 0..<columns {
        let d = x[i * columns + c] - mean[c]
        variance[c] += d * d
      }
    }
    for c in 0..<columns { variance[c] /= count }
  }

  /// y = x factor + offset, a factor and an offset for each column.
  public static func scaleAndShift<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, _ factor: UnsafePointer<S>,
    _ offset: UnsafePointer<S>, rows: Int, columns: Int
  ) {
    for i in 0..<rows {
      for c in 0..<columns { y[i * columns + c] = x[i * columns + c] * factor[c] + offset[c] }
    }
  }

  /// For each column, Σ g and Σ g (x - mean).
  public static func cotangentSums<S: Scalar>(
    _ sum: UnsafeMutablePointer<S>, _ product: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>,
    _ x: UnsafePointer<S>, _ mean: UnsafePointer<S>, rows: Int, columns: Int
  ) {
    sum.update(repeating: 0, count: columns)
    product.update(repeating: 0, count: columns)
    for i in 0..<rows {
      for c in 0..<columns {
        let e = i * columns + c
        sum[c] += g[e]
        product[c] += g[e] * (x[e] - mean[c])
      }
    }
  }

  /// y = g a + x b + c, with numbers a, b and c for each column.
  public static func combination<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ g: UnsafePointer<S>, _ a: UnsafePointer<S>,
    _ x: UnsafePointer<S>, _ b: UnsafePointer<S>, _ c: UnsafePointer<S>, rows: Int, columns: Int
  ) {
    for i in 0..<rows {
      for j in 0..<columns {
        let e = i * columns + j
        y[e] = g[e] * a[j] + x[e] * b[j] + c[j]
      }
    }
  }

  /// The largest of each 2×2 block of pixels, and where in the block (0...3) it first is.
  public static func maxPool2x2<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ place: UnsafeMutablePointer<UInt8>, _ x: UnsafePointer<S>,
    images: Int, height: Int, width: Int, channels: Int
  ) {
    var e = 0
    for image in 0..<images {
      for row in 0..<height / 2 {
        for column in 0..<width / 2 {
          let corner = ((image * height + 2 * row) * width + 2 * column) * channels
          for c in 0..<channels {
            var (best, at) = (x[corner + c], UInt8(0))
            for k in 1..<4 {
              let value = x[corner + (k / 2 * width + k % 2) * channels + c]
              if value > best || (value.isNaN && !best.isNaN) { (best, at) = (value, UInt8(k)) }
            }
            (y[e], place[e]) = (best, at)
            e += 1
          }
        }
      }
    }
  }

  /// Sends each cotangent to the place that its value came from; 0 elsewhere.
  public static func maxPool2x2Gradient<S: Scalar>(
    _ x: UnsafeMutablePointer<S>, _ place: UnsafePointer<UInt8>, _ g: UnsafePointer<S>,
    images: Int, height: Int, width: Int, channels: Int
  ) {
    x.update(repeating: 0, count: images * height * width * channels)
    var e = 0
    for image in 0..<images {
      for row in 0..<height / 2 {
        for column in 0..<width / 2 {
          let corner = ((image * height + 2 * row) * width + 2 * column) * channels
          for c in 0..<channels {
            let k = Int(place[e])
            x[corner + (k / 2 * width + k % 2) * channels + c] = g[e]
            e += 1
          }
        }
      }
    }
  }
}
