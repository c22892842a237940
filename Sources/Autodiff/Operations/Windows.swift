/// Rows and columns of zeros around images.
public struct Padding: Sendable, Equatable {
  public var top, left, bottom, right: Int

  public init(top: Int, left: Int, bottom: Int, right: Int) {
    (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
  }

  /// The same on all sides.
  public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }

  /// What TensorFlow calls "same": ⌈length / stride⌉ windows along each side, the odd row or column
  /// of zeros after the image.
  public static func same(
    height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, stride: Int
  ) -> Padding {
    func total(_ length: Int, _ kernel: Int) -> Int {
      max(0, ((length + stride - 1) / stride - 1) * stride + kernel - length)
    }
    let (rows, columns) = (total(height, kernelHeight), total(width, kernelWidth))
    return Padding(
      top: rows / 2, left: columns / 2, bottom: rows - rows / 2, right: columns - columns / 2)
  }
}

/// Windows of images [images, height, width, channels], `stride` apart.
struct WindowShape: Sendable, Equatable {
  let images, height, width, channels: Int
  let kernelHeight, kernelWidth, stride: Int
  let padding: Padding
  /// Windows along each side.
  let rows, columns: Int

  init(_ x: Tensor, kernelHeight: Int, kernelWidth: Int, stride: Int, padding: Padding) {
    precondition(
      x.shape.count == 4 && kernelHeight > 0 && kernelWidth > 0 && stride > 0
        && [padding.top, padding.left, padding.bottom, padding.right].allSatisfy { $0 >= 0 },
      "windows: images of shape \(x.shape), kernel \(kernelHeight)×\(kernelWidth), stride \(stride)"
    )
    (images, height, width, channels) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    (self.kernelHeight, self.kernelWidth) = (kernelHeight, kernelWidth)
    (self.stride, self.padding) = (stride, padding)
    func count(_ length: Int, _ kernel: Int) -> Int {
      length < kernel ? 0 : (length - kernel) / stride + 1
    }
    rows = count(height + padding.top + padding.bottom, kernelHeight)
    columns = count(width + padding.left + padding.right, kernelWidth)
  }

  /// Windows over all images.
  var windows: Int { images * rows * columns }
  /// Elements of a window, and of an image.
  var patch: Int { kernelHeight * kernelWidth * channels }
  var size: Int { height * width * channels }

  /// The rows of the kernel that lie inside the image in the window's row `i`, and the image's row
  /// under the kernel's first.
  func kernelRows(_ i: Int) -> (inside: Range<Int>, first: Int) {
    WindowShape.inside(i * stride - padding.top, kernelHeight, height)
  }

  /// The same of columns.
  func kernelColumns(_ j: Int) -> (inside: Range<Int>, first: Int) {
    WindowShape.inside(j * stride - padding.left, kernelWidth, width)
  }

  private static func inside(
    _ first: Int, _ kernel: Int, _ length: Int
  ) -> (inside: Range<Int>, first: Int) {
    let start = min(kernel, max(0, -first))
    return (start..<max(start, min(kernel, length - first)), first)
  }
}
