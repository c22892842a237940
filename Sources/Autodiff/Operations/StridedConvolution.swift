/// The convolution of images with any kernel, stride and zeros around the images.
///
/// y[n, i, j, o] = b[o] + Σ x[n, i s + u - top, j s + v - left, c] weight[o, u, v, c]
///
/// Patches of some hundred windows at a time are gathered and multiplied with the kernel; the matrix
/// of all of them is never made.
/// - Parameters:
///   - x: [images, height, width, channels].
///   - weight: [outputs, kernel height, kernel width, channels].
///   - bias: [outputs].
/// - Returns: [images, rows, columns, outputs] with rows = ⌊(height + top + bottom - kernel) / s⌋ + 1.
/// - Complexity: O(windows · patch · outputs) time, O(512 · patch) memory for each thread.
public func convolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int, padding: Padding
) -> Tensor {
  precondition(
    weight.shape.count == 4 && x.shape.count == 4 && x.shape[3] == weight.shape[3]
      && x.dtype == weight.dtype
      && bias.map { $0.shape == [weight.shape[0]] && $0.dtype == x.dtype } ?? true,
    "convolution: \(x.shape) \(x.dtype), weight \(weight.shape) \(weight.dtype) and bias "
      + "\(bias.map { "\($0.shape) \($0.dtype)" } ?? "none") do not fit")
  let (kernelHeight, kernelWidth) = (weight.shape[1], weight.shape[2])
  let isOdd = kernelHeight % 2 == 1 && kernelWidth % 2 == 1
  let around = Padding(
    top: kernelHeight / 2, left: kernelWidth / 2, bottom: kernelHeight / 2,
    right: kernelWidth / 2)
  if stride == 1, padding == around, isOdd, kernelHeight * kernelWidth > 1 {
    return convolution(x, weight: weight, bias: bias)
  }
  let s = WindowShape(
    x, kernelHeight: kernelHeight, kernelWidth: kernelWidth, stride: stride, padding: padding)
  let outputs = weight.shape[0]
  if s.patch == s.channels, stride == 1, padding == Padding(0) {
    // One tap is a map of each pixel.
    return affine(x, weight: weight.reshaped(to: [outputs, s.channels]), bias: bias)
  }
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let work = PatchProducts<S>(s, outputs: outputs)
    let (input, kernel) = (x.detached, weight.detached)
    return work.value(input, kernel, bias: bias?.detached).recorded(
      "convolution",
      x.edge { work.inputGradient($0, kernel) },
      weight.edge { work.weightGradient($0, input, shape: kernel.shape) },
      bias?.edge { $0.reshaped(to: [s.windows, outputs]).sumOverRows() })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

/// Products of gathered patches, in pieces that do not depend on the number of threads.
private struct PatchProducts<S: Scalar>: Sendable {
  let s: WindowShape
  let outputs: Int
  /// Windows of a piece of work.
  private let grain: Int

  init(_ s: WindowShape, outputs: Int) {
    (self.s, self.outputs) = (s, outputs)
    grain = max(32, min(512, s.windows / 8))
  }

  func value(_ x: Tensor, _ weight: Tensor, bias: Tensor?) -> Tensor {
    Tensor(shape: [s.images, s.rows, s.columns, outputs], of: S.self) { y in
      guard let y = y.baseAddress else { return }
      let (x, weight) = (x.base(of: S.self), weight.base(of: S.self))
      let offset = bias?.base(of: S.self)
      Parallel.forEachRange(s.windows, grain: grain) { windows in
        Scratch<S>(count: windows.count * s.patch).withBase { patches in
          gather(patches, x, windows)
          S.product(
            y + windows.lowerBound * outputs, patches, weight, m: windows.count, n: outputs,
            k: s.patch, .plain, transposingB: true, adding: false, bias: offset, .none)
        }
      }
      withExtendedLifetime(bias) {}
    }
  }

  /// Each image's part is added up by one piece, from its first window to its last.
  func inputGradient(_ cotangent: Tensor, _ weight: Tensor) -> Tensor {
    Tensor(shape: [s.images, s.height, s.width, s.channels], of: S.self) { x in
      guard let x = x.baseAddress else { return }
      let (g, weight) = (cotangent.base(of: S.self), weight.base(of: S.self))
      let perImage = s.rows * s.columns
      Parallel.forEach(s.images) { image in
        (x + image * s.size).update(repeating: 0, count: s.size)
        let step = min(512, max(1, perImage))
        Scratch<S>(count: step * s.patch).withBase { patches in
          for first in Swift.stride(from: 0, to: perImage, by: step) {
            let start = image * perImage + first
            let windows = start..<min(start + step, (image + 1) * perImage)
            S.product(
              patches, g + start * outputs, weight, m: windows.count, n: s.patch, k: outputs,
              transposingA: false, transposingB: false, adding: false)
            scatter(patches, x, windows)
          }
        }
      }
      withExtendedLifetime((cotangent, weight)) {}
    }
  }

  func weightGradient(_ cotangent: Tensor, _ x: Tensor, shape: [Int]) -> Tensor {
    let length = outputs * s.patch
    let pieces = min(8, max(1, s.windows / 512))
    let share = (s.windows + pieces - 1) / pieces
    return Tensor(shape: shape, of: S.self) { weight in
      guard let weight = weight.baseAddress else { return }
      let (g, x) = (cotangent.base(of: S.self), x.base(of: S.self))
      Scratch<S>(count: pieces * length).withBase { sums in
        Parallel.forEach(pieces) { piece in
          let sum = sums + piece * length
          sum.update(repeating: 0, count: length)
          let end = min(s.windows, (piece + 1) * share)
          let step = min(512, max(1, share))
          Scratch<S>(count: step * s.patch).withBase { patches in
            for first in Swift.stride(from: piece * share, to: end, by: step) {
              let windows = first..<min(first + step, end)
              gather(patches, x, windows)
              S.product(
                sum, g + first * outputs, patches, m: outputs, n: s.patch, k: windows.count,
                transposingA: true, transposingB: false, adding: true)
            }
          }
        }
        weight.update(from: sums, count: length)
        for piece in 1..<max(1, pieces) where pieces > 1 {
          let next = sums + piece * length
          for e in 0..<length { weight[e] += next[e] }
        }
      }
      withExtendedLifetime((cotangent, x)) {}
    }
  }

  /// Calls `body` with each run of elements that a window shares with the image.
  private func forEachRun(
    _ windows: Range<Int>, _ body: (_ patch: Int, _ element: Int, _ count: Int) -> Void
  ) {
    let perImage = s.rows * s.columns
    for (k, window) in windows.enumerated() {
      let image = window / perImage
      let (rows, row) = s.kernelRows(window % perImage / s.columns)
      let (columns, column) = s.kernelColumns(window % s.columns)
      guard !columns.isEmpty else { continue }
      for u in rows {
        body(
          k * s.patch + (u * s.kernelWidth + columns.lowerBound) * s.channels,
          image * s.size + ((row + u) * s.width + column + columns.lowerBound) * s.channels,
          columns.count * s.channels)
      }
    }
  }

  private func gather(
    _ patches: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, _ windows: Range<Int>
  ) {
    if s.padding != Padding(0) { patches.update(repeating: 0, count: windows.count * s.patch) }
    forEachRun(windows) { patch, element, count in
      (patches + patch).update(from: x + element, count: count)
    }
  }

  private func scatter(
    _ patches: UnsafePointer<S>, _ x: UnsafeMutablePointer<S>, _ windows: Range<Int>
  ) {
    forEachRun(windows) { patch, element, count in
      for e in 0..<count { x[element + e] += patches[patch + e] }
    }
  }
}
