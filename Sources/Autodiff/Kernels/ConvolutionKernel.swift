import CKernels

// Convolutions as products with the matrix of patches [positions, patch], which is packed from the
// images piece by piece and never made.

extension Scalar {
  static func convolution(
    _ y: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>, _ weight: UnsafePointer<Self>,
    bias: Tensor?, _ s: ConvolutionShape
  ) {
    func run(_ bias: UnsafeRawPointer?) {
      let kernels = kernels
      let k = s.patch
      let depth = ProductBlocks.even(k, atMost: 256, unit: 4)
      let packedOutputs = s.outputs.roundedUp(to: kernels.tile_columns)
      let zeros = Tensor(zeros: [s.channels], dtype: dtype)
      Scratch<Self>(count: packedOutputs * k).withBase { right in
        for first in stride(from: 0, to: k, by: depth) {
          kernels.pack_rows(
            right + first * packedOutputs, weight + first, k, s.outputs, min(depth, k - first),
            kernels.tile_columns)
        }
        Parallel.forEachRange(s.positions, grain: 16 * kernels.tile_rows) { positions in
          let height = positions.count.roundedUp(to: kernels.tile_rows)
          withPanels(count: height * depth) { left in
            for first in stride(from: 0, to: k, by: depth) {
              let depth = min(depth, k - first)
              kernels.pack_patches(
                left, x, zeros.base(of: Self.self), s.patches, positions.lowerBound,
                positions.count, first, depth)
              kernels.multiply(
                y + positions.lowerBound * s.outputs, s.outputs, left,
                right + first * packedOutputs, positions.count, s.outputs, depth,
                first > 0 ? 1 : 0, first + depth == k ? bias : nil, 0)
            }
          }
        }
      }
      withExtendedLifetime(zeros) {}
    }
    guard s.positions > 0, s.outputs > 0 else { return }
    guard s.patch > 0 else { return Reference.convolution(y, x, weight, s) }
    bias.map { $0.withElements(of: Self.self) { run($0.baseAddress) } } ?? run(nil)
  }

  /// The convolution of the cotangent with the kernel turned by half a turn.
  static func convolutionInputGradient(
    _ x: UnsafeMutablePointer<Self>, _ cotangent: UnsafePointer<Self>,
    _ weight: UnsafePointer<Self>, _ s: ConvolutionShape
  ) {
    var turned = s
    (turned.channels, turned.outputs) = (s.outputs, s.channels)
    let taps = s.kernelHeight * s.kernelWidth
    Scratch<Self>(count: s.outputs * s.patch).withBase { flipped in
      for output in 0..<s.outputs {
        for tap in 0..<taps {
          let row = weight + (output * taps + tap) * s.channels
          for c in 0..<s.channels {
            flipped[(c * taps + taps - 1 - tap) * s.outputs + output] = row[c]
          }
        }
      }
      convolution(x, cotangent, flipped, bias: nil, turned)
    }
  }

  /// The sum over positions, cut into pieces that do not depend on the threads and are added up in
  /// their order.
  static func convolutionWeightGradient(
    _ weight: UnsafeMutablePointer<Self>, _ x: UnsafePointer<Self>,
    _ cotangent: UnsafePointer<Self>, _ s: ConvolutionShape
  ) {
    let kernels = kernels
    let (patch, outputs) = (s.patch, s.outputs)
    let pieces = min(16, max(1, s.positions / 512))
    let grain = (s.positions + pieces - 1) / pieces
    let depth = 128
    let (height, width) = (
      patch.roundedUp(to: kernels.tile_rows), outputs.roundedUp(to: kernels.tile_columns)
    )
    guard patch > 0, outputs > 0, s.positions > 0 else {
      return weight.update(repeating: 0, count: outputs * patch)
    }
    Scratch<Self>(count: pieces * patch * outputs).withBase { sums in
      Parallel.forEach(pieces) { piece in
        let range = min(s.positions, piece * grain)..<min(s.positions, (piece + 1) * grain)
        let sum = sums + piece * patch * outputs
        if range.isEmpty { sum.update(repeating: 0, count: patch * outputs) }
        withPanels(count: (height + width) * depth) { left in
          let right = left + height * depth
          for position in stride(from: range.lowerBound, to: range.upperBound, by: depth) {
            let depth = min(depth, range.upperBound - position)
            kernels.pack_patch_columns(left, x, s.patches, position, depth)
            kernels.pack_columns(
              right, cotangent + position * outputs, outputs, outputs, depth,
              kernels.tile_columns)
            kernels.multiply(
              sum, outputs, left, right, patch, outputs, depth,
              position > range.lowerBound ? 1 : 0, nil, 0)
          }
        }
      }
      for piece in 1..<max(1, pieces) where pieces > 1 {
        let next = sums + piece * patch * outputs
        for e in 0..<patch * outputs { sums[e] += next[e] }
      }
      for p in 0..<patch { for o in 0..<outputs { weight[o * patch + p] = sums[p * outputs + o] } }
    }
  }
}

extension ConvolutionShape {
  fileprivate var patches: ck_patches {
    ck_patches(
      height: height, width: width, channels: channels, kernel_height: kernelHeight,
      kernel_width: kernelWidth)
  }
}
