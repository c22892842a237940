/// The largest of each 2×2 block of pixels, with stride 2; an odd last row or column is dropped.
///
/// Where several are largest, the first in the order of rows has the gradient.
/// - Parameter x: [images, height, width, channels].
/// - Returns: [images, height / 2, width / 2, channels], rounded down.
public func maxPool2x2(_ x: Tensor) -> Tensor {
  precondition(x.shape.count == 4, "maxPool2x2: expected images, not shape \(x.shape)")
  let (shape, dtype) = (x.shape, x.dtype)
  let pooled = [shape[0], shape[1] / 2, shape[2] / 2, shape[3]]
  let places = Places(count: pooled.reduce(1, *))
  func run<S: Scalar>(_: S.Type) -> Tensor {
    Tensor(shape: pooled, of: S.self) { S.maxPool2x2($0, places, x) }
  }
  @Sendable func runGradient<S: Scalar>(_ cotangent: Tensor, _: S.Type) -> Tensor {
    Tensor(shape: shape, of: S.self) { S.maxPool2x2Gradient($0, places, cotangent, shape: shape) }
  }
  let y = dtype == .float32 ? run(Float.self) : run(Double.self)
  return y.recorded(
    "maxPool2x2",
    x.edge { dtype == .float32 ? runGradient($0, Float.self) : runGradient($0, Double.self) })
}

/// Which of the four pixels of each block was largest (4 if none has the gradient): a byte each.
struct Places: Sendable {
  private let storage: Storage

  init(count: Int) { storage = Storage(byteCount: count) }

  var base: UnsafeMutablePointer<UInt8> { storage.base.assumingMemoryBound(to: UInt8.self) }
}
