/// The convolution of each channel with a kernel of its own.
///
/// y[n, i, j, c] = b[c] + Σ x[n, i s + u - top, j s + v - left, c] weight[u, v, c]
/// - Parameters:
///   - x: [images, height, width, channels].
///   - weight: [kernel height, kernel width, channels].
///   - bias: [channels].
/// - Returns: [images, rows, columns, channels].
/// - Complexity: O(windows · kernel · channels).
public func depthwiseConvolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding
) -> Tensor {
  precondition(
    weight.shape.count == 3 && x.shape.count == 4 && x.shape[3] == weight.shape[2]
      && x.dtype == weight.dtype
      && bias.map { $0.shape == [weight.shape[2]] && $0.dtype == x.dtype } ?? true,
    "depthwiseConvolution: \(x.shape) \(x.dtype), weight \(weight.shape) \(weight.dtype) and bias "
      + "\(bias.map { "\($0.shape) \($0.dtype)" } ?? "none") do not fit")
  let s = WindowShape(
    x, kernelHeight: weight.shape[0], kernelWidth: weight.shape[1], stride: stride,
    padding: padding)
  func run<S: Scalar>(_: S.Type) -> Tensor {
    let work = DepthwiseWork<S>(s: s)
    let (input, kernel) = (x.detached, weight.detached)
    return work.value(input, kernel, bias: bias?.detached).recorded(
      "depthwiseConvolution",
      x.edge { work.inputGradient($0, kernel) },
      weight.edge { work.weightGradient($0, input) },
      bias?.edge { $0.reshaped(to: [s.windows, s.channels]).sumOverRows() })
  }
  return x.dtype == .float32 ? run(Float.self) : run(Double.self)
}

private struct DepthwiseWork<S: Scalar>: Sendable {
  let s: WindowShape

  /// y[i] += a[i] b[i].
  @inline(__always)
  private func add(
    _ y: UnsafeMutablePointer<S>, _ a: UnsafePointer<S>, _ b: UnsafePointer<S>
  ) {
    for c in 0..<s.channels { y[c] += a[c] * b[c] }
  }

  func value(_ x: Tensor, _ weight: Tensor, bias: Tensor?) -> Tensor {
    Tensor(shape: [s.images, s.rows, s.columns, s.channels], of: S.self) { y in
      guard let y = y.baseAddress else { return }
      let (x, weight) = (x.base(of: S.self), weight.base(of: S.self))
      let offset = bias?.base(of: S.self)
      Parallel.forEach(s.images * s.rows) { line in
        let image = x + line / s.rows * s.size
        let (rows, row) = s.kernelRows(line % s.rows)
        for j in 0..<s.columns {
          let sum = y + (line * s.columns + j) * s.channels
          if let offset {
            sum.update(from: offset, count: s.channels)
          } else {
            sum.update(repeating: 0, count: s.channels)
          }
          let (columns, column) = s.kernelColumns(j)
          for u in rows {
            for v in columns {
              add(
                sum, image + ((row + u) * s.width + column + v) * s.channels,
                weight + (u * s.kernelWidth + v) * s.channels)
            }
          }
        }
      }
      withExtendedLifetime(bias) {}
    }
  }

  /// Each row of the images is added up by one piece, in the order of the kernel.
  func inputGradient(_ cotangent: Tensor, _ weight: Tensor) -> Tensor {
    Tensor(shape: [s.images, s.height, s.width, s.channels], of: S.self) { x in
      guard let x = x.baseAddress else { return }
      let (g, weight) = (cotangent.base(of: S.self), weight.base(of: S.self))
      let width = s.width * s.channels
      Parallel.forEach(s.images * s.height) { line in
        let target = x + line * width
        target.update(repeating: 0, count: width)
        for u in 0..<s.kernelHeight {
          // The window's row whose kernel row u lies on this line.
          let from = line % s.height + s.padding.top - u
          guard from >= 0, from % s.stride == 0, from / s.stride < s.rows else { continue }
          let source = g + (line / s.height * s.rows + from / s.stride) * s.columns * s.channels
          for j in 0..<s.columns {
            let (columns, column) = s.kernelColumns(j)
            for v in columns {
              add(
                target + (column + v) * s.channels, source + j * s.channels,
                weight + (u * s.kernelWidth + v) * s.channels)
            }
          }
        }
      }
      withExtendedLifetime((cotangent, weight)) {}
    }
  }

  func weightGradient(_ cotangent: Tensor, _ x: Tensor) -> Tensor {
    let lines = s.images * s.rows
    let pieces = min(64, max(1, lines / 4))
    let share = (lines + pieces - 1) / pieces
    return Tensor(shape: [s.kernelHeight, s.kernelWidth, s.channels], of: S.self) { weight in
      guard let weight = weight.baseAddress else { return }
      let (g, x) = (cotangent.base(of: S.self), x.base(of: S.self))
      Scratch<S>(count: pieces * s.patch).withBase { sums in
        Parallel.forEach(pieces) { piece in
          let sum = sums + piece * s.patch
          sum.update(repeating: 0, count: s.patch)
          for line in min(lines, piece * share)..<min(lines, (piece + 1) * share) {
            let image = x + line / s.rows * s.size
            let (rows, row) = s.kernelRows(line % s.rows)
            for j in 0..<s.columns {
              let (columns, column) = s.kernelColumns(j)
              let source = g + (line * s.columns + j) * s.channels
              for u in rows {
                for v in columns {
                  add(
                    sum + (u * s.kernelWidth + v) * s.channels,
                    image + ((row + u) * s.width + column + v) * s.channels, source)
                }
              }
            }
          }
        }
        weight.update(from: sums, count: s.patch)
        for e in s.patch..<max(s.patch, pieces * s.patch) { weight[e % s.patch] += sums[e] }
      }
      withExtendedLifetime((cotangent, x)) {}
    }
  }
}
