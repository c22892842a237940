import Autodiff
import Testing

/// Convolutions and pooling by any window, beside loops that nobody could call fast.
extension KernelTests {
  private struct Case {
    let x, kernel: [Int]
    let stride: Int
    let padding: Padding
  }

  private static let windowCases: [Case] = [
    Case(x: [2, 11, 9, 3], kernel: [7, 7], stride: 2, padding: Padding(3)),
    Case(x: [1, 1, 1, 2], kernel: [3, 3], stride: 2, padding: Padding(1)),
    Case(x: [2, 8, 12, 3], kernel: [4, 4], stride: 4, padding: Padding(0)),
    Case(x: [2, 9, 10, 3], kernel: [4, 4], stride: 4, padding: Padding(0)),
    Case(x: [3, 6, 5, 4], kernel: [1, 1], stride: 2, padding: Padding(0)),
    Case(x: [3, 6, 5, 4], kernel: [1, 1], stride: 1, padding: Padding(0)),
    Case(x: [3, 6, 5, 4], kernel: [3, 3], stride: 1, padding: Padding(1)),
    Case(
      x: [2, 41, 40, 2], kernel: [5, 5], stride: 2,
      padding: .same(height: 41, width: 40, kernelHeight: 5, kernelWidth: 5, stride: 2)),
    Case(x: [0, 5, 5, 2], kernel: [3, 3], stride: 2, padding: Padding(1)),
    Case(x: [2, 2, 5, 2], kernel: [4, 4], stride: 4, padding: Padding(0)),
  ]

  /// Calls `body` with each window, and each element of the image in it.
  private func forEachTap(
    _ c: Case, _ body: (_ window: [Int], _ u: Int, _ v: Int, _ row: Int, _ column: Int) -> Void
  ) -> [Int] {
    let height = c.x[1] + c.padding.top + c.padding.bottom - c.kernel[0]
    let width = c.x[2] + c.padding.left + c.padding.right - c.kernel[1]
    let rows = height < 0 ? 0 : height / c.stride + 1
    let columns = width < 0 ? 0 : width / c.stride + 1
    for n in 0..<c.x[0] {
      for i in 0..<rows {
        for j in 0..<columns {
          for u in 0..<c.kernel[0] {
            for v in 0..<c.kernel[1] {
              let (row, column) = (
                i * c.stride + u - c.padding.top, j * c.stride + v - c.padding.left
              )
              if (0..<c.x[1]).contains(row), (0..<c.x[2]).contains(column) {
                body([n, i, j], u, v, row, column)
              }
            }
          }
        }
      }
    }
    return [c.x[0], rows, columns]
  }

  @Test(arguments: DType.allCases) func convolutionsOfAnyWindow(dtype: DType) {
    for c in KernelTests.windowCases {
      let outputs = 5
      let (channels, x) = (c.x[3], normal4(c.x, seed: 1))
      let full = normal4([outputs, c.kernel[0], c.kernel[1], channels], seed: 2)
      let own = Tensor(
        normal4([1, c.kernel[0], c.kernel[1], channels], seed: 3).elements(as: Double.self),
        shape: [c.kernel[0], c.kernel[1], channels])
      let (pixels, weights, depth) = (
        x.elements(as: Double.self), full.elements(as: Double.self),
        own.elements(as: Double.self)
      )
      func at(_ n: Int, _ row: Int, _ column: Int, _ channel: Int) -> Int {
        ((n * c.x[1] + row) * c.x[2] + column) * channels + channel
      }
      var (wide, deep) = ([[Int]: Double](), [[Int]: Double]())
      let shape = forEachTap(c) { window, u, v, row, column in
        for channel in 0..<channels {
          let value = pixels[at(window[0], row, column, channel)]
          deep[window + [channel], default: 0] +=
            value * depth[(u * c.kernel[1] + v) * channels + channel]
          for o in 0..<outputs {
            wide[window + [o], default: 0] +=
              value
              * weights[((o * c.kernel[0] + u) * c.kernel[1] + v) * channels + channel]
          }
        }
      }
      let found = convolution(
        x.converted(to: dtype), weight: full.converted(to: dtype), stride: c.stride,
        padding: c.padding)
      #expect(found.shape == shape + [outputs])
      #expect(error(found, wide) < (dtype == .float64 ? 1e-12 : 1e-4), "\(c)")
      let channelwise = depthwiseConvolution(
        x.converted(to: dtype), weight: own.converted(to: dtype), stride: c.stride,
        padding: c.padding)
      #expect(channelwise.shape == shape + [channels])
      #expect(error(channelwise, deep) < (dtype == .float64 ? 1e-12 : 1e-4), "\(c)")
    }
  }

  @Test func largestOfWindows() {
    for c in KernelTests.windowCases
    where c.kernel[0] == c.kernel[1] && c.padding == Padding(c.padding.top)
      && c.padding.top < c.kernel[0]
    {
      let x = normal4(c.x, seed: 4)
      let pixels = x.elements(as: Double.self)
      var most: [[Int]: Double] = [:]
      let shape = forEachTap(c) { window, _, _, row, column in
        for channel in 0..<c.x[3] {
          let value = pixels[((window[0] * c.x[1] + row) * c.x[2] + column) * c.x[3] + channel]
          most[window + [channel]] = max(most[window + [channel]] ?? -.infinity, value)
        }
      }
      let found = maxPool(x, size: c.kernel[0], stride: c.stride, padding: c.padding.top)
      #expect(found.shape == shape + [c.x[3]])
      #expect(error(found, most) == 0, "\(c)")
    }
  }

  @Test func windowsHaveTheSameBitsForAnyThreads() {
    let x = normal4([5, 33, 31, 6], seed: 1).converted(to: .float32)
    let full = normal4([7, 3, 3, 6], seed: 2).converted(to: .float32)
    let own = Tensor(
      normal4([1, 3, 3, 6], seed: 3).elements(as: Float.self), shape: [3, 3, 6])
    func run() -> [[Float]] {
      let (value, gradient) = valueWithGradient(at: [x, full, own]) { point in
        let a = convolution(point[0], weight: point[1], stride: 2, padding: Padding(1))
        let b = depthwiseConvolution(point[0], weight: point[2], stride: 2, padding: Padding(1))
        let c = maxPool(point[0], size: 3, stride: 2, padding: 1)
        return (a * a).sum() + (b * b).sum() + (meanOverPixels(c) * meanOverPixels(c)).sum()
      }
      return ([value] + gradient).map { $0.elements(as: Float.self) }
    }
    #expect(withThreads(1, run) == withThreads(2, run))
  }

  private func normal4(_ shape: [Int], seed: UInt64) -> Tensor {
    var random = Random(seed: seed)
    return Tensor(normal: shape, deviation: 1, dtype: .float64, random: &random)
  }

  /// The largest difference to what a dictionary has for each index.
  private func error(_ tensor: Tensor, _ expected: [[Int]: Double]) -> Double {
    var (largest, index) = (0.0, [Int](repeating: 0, count: tensor.shape.count))
    for value in tensor.elements(as: Double.self) {
      largest = max(largest, abs(value - (expected[index] ?? 0)))
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < tensor.shape[axis] { break }
        index[axis] = 0
      }
    }
    return largest
  }
}
