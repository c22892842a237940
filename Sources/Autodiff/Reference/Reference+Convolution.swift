/// The lengths of a convolution with stride 1 and zero padding that keeps height and width.
public struct ConvolutionShape: Sendable, Equatable {
  public var images, height, width, channels: Int
  public var outputs, kernelHeight, kernelWidth: Int

  package init(
    images: Int, height: Int, width: Int, channels: Int, outputs: Int, kernelHeight: Int,
    kernelWidth: Int
  ) {
    (self.images, self.height, self.width, self.channels) = (images, height, width, channels)
    (self.outputs, self.kernelHeight, self.kernelWidth) = (outputs, kernelHeight, kernelWidth)
  }

  /// The lengths of one row of the weight.
  public var patch: Int { kernelHeight * kernelWidth * channels }
  /// Positions over all images.
  public var positions: Int { images * height * width }
}

extension Reference {
  /// Calls `body` with each position, each kernel offset that falls inside the image, and the
  /// position that it reads.
  private static func forEachTap(
    _ s: ConvolutionShape, _ body: (_ position: Int, _ offset: Int, _ source: Int) -> Void
  ) {
    for image in 0..<s.images {
      for row in 0..<s.height {
        for column in 0..<s.width {
          for dy in 0..<s.kernelHeight {
            for dx in 0..<s.kernelWidth {
              let (y, x) = (row + dy - s.kernelHeight / 2, column + dx - s.kernelWidth / 2)
              guard y >= 0, y < s.height, x >= 0, x < s.width else { continue }
              body(
                (image * s.height + row) * s.width + column, dy * s.kernelWidth + dx,
                (image * s.height + y) * s.width + x)
            }
          }
        }
      }
    }
  }

  /// y[position, output] = Σ x[source, channel] weight[output, offset, channel].
  public static func convolution<S: Scalar>(
    _ y: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, _ weight: UnsafePointer<S>,
    _ s: ConvolutionShape
  ) {
    y.update(repeating: 0, count: s.positions * s.outputs)
    forEachTap(s) { position, offset, source in
      for output in 0..<s.outputs {
        let row = weight + output * s.patch + offset * s.channels
        var sum: S = 0
        for c in 0..<s.channels { sum += x[source * s.channels + c] * row[c] }
        y[position * s.outputs + output] += sum
      }
    }
  }

  /// The derivative in the weight from the derivative in the result.
  public static func convolutionWeightGradient<S: Scalar>(
    _ weight: UnsafeMutablePointer<S>, _ x: UnsafePointer<S>, _ cotangent: UnsafePointer<S>,
    _ s: ConvolutionShape
  ) {
    weight.update(repeating: 0, count: s.outputs * s.patch)
    forEachTap(s) { position, offset, source in
      for output in 0..<s.outputs {
        let row = weight + output * s.patch + offset * s.channels
        let g = cotangent[position * s.outputs + output]
        for c in 0..<s.channels { row[c] += g * x[source * s.channels + c] }
      }
    }
  }

  /// The derivative in the input from the derivative in the result.
  public static func convolutionInputGradient<S: Scalar>(
    _ x: UnsafeMutablePointer<S>, _ cotangent: UnsafePointer<S>, _ weight: UnsafePointer<S>,
    _ s: ConvolutionShape
  ) {
    x.update(repeating: 0, count: s.positions * s.channels)
    forEachTap(s) { position, offset, source in
      for output in 0..<s.outputs {
        let row = weight + output * s.patch + offset * s.channels
        let g = cotangent[position * s.outputs + output]
        for c in 0..<s.channels { x[source * s.channels + c] += g * row[c] }
      }
    }
  }
}
