// Kernels that need no speed, by the reference.

extension Scalar {
  static func maxPool2x2(
    _ y: UnsafeMutableBufferPointer<Self>, _ places: Places, _ x: Tensor
  ) {
    guard let y = y.baseAddress else { return }
    Reference.maxPool2x2(
      y, places.base, x.base(), images: x.shape[0], height: x.shape[1], width: x.shape[2],
      channels: x.shape[3])
    withExtendedLifetime((places, x)) {}
  }

  static func maxPool2x2Gradient(
    _ x: UnsafeMutableBufferPointer<Self>, _ places: Places, _ g: Tensor, shape: [Int]
  ) {
    guard let x = x.baseAddress else { return }
    Reference.maxPool2x2Gradient(
      x, places.base, g.base(), images: shape[0], height: shape[1], width: shape[2],
      channels: shape[3])
    withExtendedLifetime((places, g)) {}
  }
}

extension Tensor {
  /// The first element, for kernels; the caller keeps the tensor alive.
  package func base<S: Scalar>(of _: S.Type = S.self) -> UnsafePointer<S> {
    precondition(S.dtype == dtype, "the tensor is \(dtype), not \(S.dtype)")
    return UnsafePointer(storage.base.assumingMemoryBound(to: S.self))
  }
}
