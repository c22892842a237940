import CPictures

extension Pixels {
  /// A part of a picture, in pixels from its upper left corner.
  public struct Box: Sendable, Equatable {
    public var left, top, right, bottom: Float

    public init(left: Float, top: Float, right: Float, bottom: Float) {
      (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    }
  }

  /// The picture in another size, to the byte of what Pillow 13 makes of one without opacity.
  ///
  /// Two passes with 8 bits between them: across first, but down first where the picture loses more
  /// than twice as many rows as columns. A pass that changes nothing is left out.
  /// - Parameter box: the part that is shown; all of the picture unless given.
  /// - Precondition: the size is not empty, and the box lies in the picture.
  /// - Complexity: O(rows · new width · taps + new width · new height · taps).
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResizeFilter, box: Box? = nil
  ) -> Pixels {
    let box = box ?? Box(left: 0, top: 0, right: Float(width), bottom: Float(height))
    precondition(
      newWidth > 0 && newHeight > 0 && 0 <= box.left && box.left < box.right
        && box.right <= Float(width) && 0 <= box.top && box.top < box.bottom
        && box.bottom <= Float(height),
      "Pixels.resized: \(box) of [\(height), \(width)] to [\(newHeight), \(newWidth)]")
    let (columns, rows) = (
      Double(box.left)...Double(box.right), Double(box.top)...Double(box.bottom)
    )
    guard filter != .nearest else {
      return picked(
        columns: Pixels.nearest(columns, to: newWidth, of: width),
        rows: Pixels.nearest(rows, to: newHeight, of: height))
    }
    let across =
      newWidth != width || columns != 0...Double(width)
      ? ResizeTaps(width, columns, to: newWidth, filter) : nil
    let down =
      newHeight != height || rows != 0...Double(height)
      ? ResizeTaps(height, rows, to: newHeight, filter) : nil
    let isDownFirst = newHeight < height && height - newHeight > 2 * (width - newWidth)
    if isDownFirst { return resampledDown(down).resampledAcross(across) }
    // Rows that nothing is made of need not be resampled.
    return resampledAcross(across, rows: down?.used).resampledDown(
      down, firstRow: across == nil ? 0 : down?.used.lowerBound ?? 0)
  }

  /// The pixels nearest to the middles of new ones; positions add up step by step, as Pillow's.
  private static func nearest(
    _ range: ClosedRange<Double>, to newLength: Int, of length: Int
  ) -> [Int] {
    let step = (range.upperBound - range.lowerBound) / Double(newLength)
    var position = range.lowerBound + step * 0.5
    return (0..<newLength).map { _ in
      defer { position += step }
      return min(Int(position), length - 1)
    }
  }

  private func picked(columns: [Int], rows: [Int]) -> Pixels {
    var picked: [UInt8] = []
    picked.reserveCapacity(columns.count * rows.count * channels)
    for row in rows {
      for column in columns {
        let start = (row * width + column) * channels
        picked += bytes[start..<start + channels]
      }
    }
    return Pixels(width: columns.count, height: rows.count, channels: channels, bytes: picked)
  }

  /// - Parameter rows: the rows that are wanted; all unless given.
  private func resampledAcross(_ taps: ResizeTaps?, rows: Range<Int>? = nil) -> Pixels {
    guard let taps else { return self }
    let (rows, newWidth) = (rows ?? 0..<height, taps.firsts.count)
    let (rowBytes, newRowBytes) = (width * channels, newWidth * channels)
    let kernels = cp_best_kernels()
    let result = [UInt8](unsafeUninitializedCapacity: rows.count * newRowBytes) { target, count in
      count = rows.count * newRowBytes
      bytes.withUnsafeBufferPointer { bytes in
        guard let source = bytes.baseAddress, let target = target.baseAddress else { return }
        for (index, row) in rows.enumerated() {
          kernels.pointee.resample_across(
            source + row * rowBytes, channels, newWidth, taps.firsts, taps.counts,
            taps.weights, taps.most, rowBytes, target + index * newRowBytes)
        }
      }
    }
    return Pixels(width: newWidth, height: rows.count, channels: channels, bytes: result)
  }

  /// - Parameter firstRow: the row that this picture begins with, as `taps` counts.
  private func resampledDown(_ taps: ResizeTaps?, firstRow: Int = 0) -> Pixels {
    guard let taps else { return self }
    let rowBytes = width * channels
    let kernels = cp_best_kernels()
    let result = [UInt8](unsafeUninitializedCapacity: taps.firsts.count * rowBytes) {
      target, count in
      count = taps.firsts.count * rowBytes
      bytes.withUnsafeBufferPointer { bytes in
        taps.weights.withUnsafeBufferPointer { weights in
          guard let source = bytes.baseAddress, let weights = weights.baseAddress,
            let target = target.baseAddress
          else { return }
          for row in taps.firsts.indices {
            kernels.pointee.resample_down(
              source + (Int(taps.firsts[row]) - firstRow) * rowBytes, rowBytes,
              rowBytes, weights + row * taps.most, Int(taps.counts[row]),
              target + row * rowBytes)
          }
        }
      }
    }
    return Pixels(
      width: width, height: taps.firsts.count, channels: channels, bytes: result)
  }
}
