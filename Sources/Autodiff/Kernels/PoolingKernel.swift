import CKernels

// Normalisation, ReLU and pooling in one go, over fixed pieces of whole images.

/// The lengths of the images of a tensor.
private struct ImageShape {
  let images, height, width, channels: Int

  init(_ x: Tensor) {
    (images, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
  }

  /// Elements of an image, and of what is left of it after pooling.
  var size: Int { height * width * channels }
  var pooledSize: Int { (height / 2) * (width / 2) * channels }
  /// Images of a piece of work: about 64 Ki elements.
  var grain: Int { max(1, 65_536 / max(1, size)) }
}

extension Scalar {
  static func pool(
    _ y: UnsafeMutableBufferPointer<Self>, _ places: Places, _ x: Tensor, _ factor: Tensor,
    _ offset: Tensor
  ) {
    guard let y = y.baseAddress else { return }
    let (s, kernels, place) = (ImageShape(x), kernels, places.base)
    let (input, slope): (UnsafePointer<Self>, UnsafePointer<Self>) = (x.base(), factor.base())
    let shift: UnsafePointer<Self> = offset.base()
    Parallel.forEachRange(s.images, grain: s.grain) { images in
      for i in images {
        kernels.pool(
          y + i * s.pooledSize, place + i * s.pooledSize, input + i * s.size, slope, shift,
          s.height, s.width, s.channels)
      }
    }
    withExtendedLifetime((places, x, factor, offset)) {}
  }

  static func poolSums(
    _ sum: UnsafeMutableBufferPointer<Self>, _ product: UnsafeMutableBufferPointer<Self>,
    _ g: Tensor, _ places: Places, _ x: Tensor, _ mean: Tensor
  ) {
    let (s, kernels, place) = (ImageShape(x), kernels, places.base)
    let (input, middle): (UnsafePointer<Self>, UnsafePointer<Self>) = (x.base(), mean.base())
    let cotangent: UnsafePointer<Self> = g.base()
    withSums(over: s.images, grain: s.grain, width: 2 * s.channels) { images, sums in
      for i in images {
        kernels.pool_sums(
          sums, sums + s.channels, cotangent + i * s.pooledSize, place + i * s.pooledSize,
          input + i * s.size, middle, s.height, s.width, s.channels)
      }
    } finish: { sums in
      for c in 0..<s.channels {
        (sum[c], product[c]) = (Self(sums[c]), Self(sums[s.channels + c]))
      }
    }
    withExtendedLifetime((g, places, x, mean)) {}
  }

  static func poolGradient(
    _ y: UnsafeMutableBufferPointer<Self>, _ g: Tensor, _ places: Places, _ x: Tensor,
    _ a: Tensor, _ b: Tensor, _ c: Tensor
  ) {
    guard let y = y.baseAddress else { return }
    let (s, kernels, place) = (ImageShape(x), kernels, places.base)
    let (cotangent, gain): (UnsafePointer<Self>, UnsafePointer<Self>) = (g.base(), a.base())
    let (input, slope): (UnsafePointer<Self>, UnsafePointer<Self>) = (x.base(), b.base())
    let offset: UnsafePointer<Self> = c.base()
    Parallel.forEachRange(s.images, grain: s.grain) { images in
      for i in images {
        kernels.pool_gradient(
          y + i * s.size, cotangent + i * s.pooledSize, place + i * s.pooledSize, gain,
          input + i * s.size, slope, offset, s.height, s.width, s.channels)
      }
    }
    withExtendedLifetime((g, places, x, a, b, c)) {}
  }
}
