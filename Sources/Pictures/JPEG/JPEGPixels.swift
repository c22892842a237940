import CPictures
import Settings

extension JPEGReader {
  /// How the components make a colour.
  enum ColourSpace {
    case gray, rgb, yCbCr, cmyk, ycck
    /// As they are, whatever they mean; four of them are inks.
    case stored
  }

  /// libjpeg's rule: JFIF speaks first, then Adobe, then the names of the components.
  private func colourSpace(_ frame: JPEGFrame) -> ColourSpace {
    switch frame.components.count {
    case 1: return .gray
    case 3:
      if hasJFIF { return .yCbCr }
      if let adobeTransform { return adobeTransform == 0 ? .rgb : .yCbCr }
      return frame.components.map(\.identifier) == Array("RGB".utf8) ? .rgb : .yCbCr
    default: return (adobeTransform ?? 0) == 0 ? .cmyk : .ycck
    }
  }

  /// The picture, when everything is read.
  ///
  /// - Parameter space: what the components mean; nil to go by the stream.
  func picture(as space: ColourSpace? = nil) throws(Failure) -> Picture {
    guard let frame else { throw failure("the picture has no frame") }
    guard space != .yCbCr || frame.components.count == 3 else {
      throw failure("\(frame.components.count) components", expected: "3")
    }
    for component in frame.components { component.transformAll() }
    let space = space ?? colourSpace(frame)
    let channels = frame.components.count
    let bytes = [UInt8](
      unsafeUninitializedCapacity: frame.width * frame.height * channels
    ) { target, count in
      count = frame.width * frame.height * channels
      guard let base = target.baseAddress else { return }
      let rows = frame.components.compactMap { JPEGRows($0, frame) }
      for y in 0..<frame.height {
        let row = base + y * frame.width * channels
        // Rows that are widened lie in the memory of `rows`, which lives until the end.
        let sources = rows.map { $0.row(y) }
        combine(sources, space, count: frame.width, into: row)
      }
      withExtendedLifetime(rows) {}
    }
    let (layout, mode): (Picture.Layout, Picture.Mode) =
      channels == 1 ? (.gray, .gray) : channels == 3 ? (.rgb, .rgb) : (.cmyk, .cmyk)
    return Picture(
      width: frame.width, height: frame.height, layout: layout, samples: .bytes(bytes),
      mode: mode, orientation: orientation)
  }

  /// Makes a row of pixels of one row of each component.
  private func combine(
    _ rows: [UnsafePointer<UInt8>], _ space: ColourSpace, count: Int,
    into target: UnsafeMutablePointer<UInt8>
  ) {
    switch space {
    case .gray: target.update(from: rows[0], count: count)
    case .rgb, .stored:
      for (channel, row) in rows.enumerated() {
        for x in 0..<count { target[rows.count * x + channel] = row[x] }
      }
    case .yCbCr:
      cp_best_kernels().pointee.to_rgb(rows[0], rows[1], rows[2], count, target)
    case .cmyk:
      // Files hold paper, 255 less the ink: so Pillow reads all of them.
      for x in 0..<count {
        for channel in 0..<4 { target[4 * x + channel] = 255 - rows[channel][x] }
      }
    case .ycck:
      // The colour is what the paper shows, so 255 less it is the ink, and twice less itself.
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * count) { light in
        guard let base = light.baseAddress else { return }
        cp_best_kernels().pointee.to_rgb(rows[0], rows[1], rows[2], count, base)
        for x in 0..<count {
          for channel in 0..<3 { target[4 * x + channel] = light[3 * x + channel] }
          target[4 * x + 3] = 255 - rows[3][x]
        }
      }
    }
  }
}

extension JPEGFrame.Component {
  /// Makes samples of all coefficients that were kept.
  fileprivate func transformAll() {
    guard let plane, let coefficients = plane.coefficients, quantizer != nil else { return }
    let transform = JPEGTransform(self, plane)
    for row in 0..<blocksDown {
      for column in 0..<blocksAcross {
        transform(
          coefficients + (row * blocksAcross + column) * 64, last: 63,
          into: plane.samples + (row * stride + column) * blockSize, stride: stride)
      }
    }
  }
}

/// The rows of a component, brought to the size of the picture.
///
/// Components of half the samples are widened by libjpeg's triangle filter, others repeated. A class
/// because a row that it hands out lies in its memory.
private final class JPEGRows {
  private enum Widening { case none, across, down, both, repeated }

  private let plane: JPEGPlane
  private let stride, width, height: Int
  /// How many columns and rows of the picture a sample stands for.
  private let columns, rows: Int
  private let widening: Widening
  private let memory: UnsafeMutablePointer<UInt8>
  private let kernels = cp_best_kernels()

  /// - Returns: nil for a component of a picture without scans, which `readAll` refuses.
  init?(_ component: JPEGFrame.Component, _ frame: JPEGFrame) {
    guard let plane = component.plane else { return nil }
    self.plane = plane
    (stride, width, height) = (component.stride, component.width, component.height)
    columns = frame.across * frame.blockSize / (component.across * component.blockSize)
    rows = frame.down * frame.blockSize / (component.down * component.blockSize)
    let isSmooth = frame.blockSize > 1
    widening =
      switch (columns, rows) {
      case (1, 1): .none
      case (2, 1) where isSmooth && width > 2: .across
      case (1, 2) where isSmooth: .down
      case (2, 2) where isSmooth && width > 2: .both
      default: .repeated
      }
    memory = .allocate(capacity: width * columns)
  }

  deinit { memory.deallocate() }

  /// Row `y` of the picture; valid until the next call.
  func row(_ y: Int) -> UnsafePointer<UInt8> {
    let own = min(y / rows, height - 1)
    let near = UnsafePointer(plane.samples + own * stride)
    if widening == .none { return near }
    // The neighbour that is nearer to the picture's row: above for the upper half of a sample.
    let isUpper = y % 2 == 0
    let other = isUpper ? max(own - 1, 0) : min(own + 1, height - 1)
    let far = UnsafePointer(plane.samples + other * stride)
    switch widening {
    case .none: break
    case .across: kernels.pointee.widen(near, width, memory)
    case .down: kernels.pointee.blend_rows(near, far, width, isUpper ? 1 : 2, memory)
    case .both: kernels.pointee.widen_both(near, far, width, memory)
    case .repeated:
      for x in 0..<width * columns { memory[x] = near[x / columns] }
    }
    return UnsafePointer(memory)
  }
}
