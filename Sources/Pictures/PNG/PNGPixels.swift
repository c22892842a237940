import Settings

/// The colours of a PNG picture with a palette, and the colour that is transparent in others.
struct PNGPalette {
  /// Red, green and blue of each entry.
  private(set) var colours: [UInt8] = []
  /// The opacity of the first entries; the others are opaque.
  private(set) var alphas: [UInt8] = []
  /// The samples of the pixels that are transparent.
  private(set) var transparent: [UInt16] = []

  mutating func setColours(_ data: ArraySlice<UInt8>, at place: String) throws(Failure) {
    guard data.count % 3 == 0, (3...768).contains(data.count) else {
      throw Failure(
        .badData, at: place, "a palette of \(data.count) bytes", expected: "1 to 256 times 3")
    }
    colours = Array(data)
  }

  mutating func setTransparency(
    _ data: ArraySlice<UInt8>, _ header: PNGHeader, at place: String
  ) throws(Failure) {
    switch header.colourType {
    case .palette where data.count <= 256: alphas = Array(data)
    case .gray where data.count == 2, .colour where data.count == 6:
      let bytes = Array(data)
      transparent = stride(from: 0, to: bytes.count, by: 2).map {
        UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
      }
    default:
      throw Failure(
        .badData, at: place, "a transparency of \(data.count) bytes",
        remedy: "the picture is damaged")
    }
  }
}

/// Turns the unpacked bytes of a PNG picture into samples.
struct PNGPixels {
  private let header: PNGHeader
  private let palette: PNGPalette

  init(_ header: PNGHeader, _ palette: PNGPalette) {
    (self.header, self.palette) = (header, palette)
  }

  /// - Parameter bytes: the filtered rows of all passes; the filters are undone in place.
  func picture(_ bytes: inout [UInt8], at place: String) throws(Failure) -> Picture {
    try undoFilters(&bytes, at: place)
    let samples = header.depth == 16 ? Picture.Samples.words(words(bytes)) : .bytes(samples(bytes))
    let (layout, mode) = header.layoutAndMode
    if layout == .palette, case .bytes(let entries) = samples,
      let largest = entries.max(), Int(largest) >= palette.colours.count / 3
    {
      throw Failure(
        .badData, at: place, "a pixel names colour \(largest), which is outside the palette",
        expected: "0 to \(palette.colours.count / 3 - 1)", remedy: "the picture is damaged")
    }
    return Picture(
      width: header.width, height: header.height, layout: layout, samples: samples,
      maximum: layout == .palette ? 255 : 1 << header.depth - 1, mode: mode,
      palette: layout == .palette ? palette.colours : [],
      paletteAlphas: palette.alphas, transparent: palette.transparent)
  }

  private func undoFilters(_ bytes: inout [UInt8], at place: String) throws(Failure) {
    let pixelBytes = max(1, header.samplesPerPixel * header.depth / 8)
    // Above the first row of a pass lie zeros.
    let zeros = [UInt8](repeating: 0, count: header.rowBytes(header.width))
    let problem: (filter: UInt8, row: Int)? = bytes.withUnsafeMutableBufferPointer { bytes in
      zeros.withUnsafeBufferPointer { zeros in
        guard let base = bytes.baseAddress, let zeros = zeros.baseAddress else { return nil }
        var offset = 0
        for pass in header.passes {
          let rowBytes = header.rowBytes(pass.width)
          var above = zeros
          for y in 0..<pass.height {
            let row = base + offset + 1
            guard undoFilter(row[-1], row, above: above, count: rowBytes, pixelBytes) else {
              return (row[-1], y)
            }
            above = UnsafePointer(row)
            offset += 1 + rowBytes
          }
        }
        return nil
      }
    }
    if let problem {
      throw Failure(
        .badData, at: place, "filter \(problem.filter) in row \(problem.row)", expected: "0 to 4",
        remedy: "the picture is damaged")
    }
  }

  /// Calls `body` for every row of every pass: where its bytes begin, and the pixel of the picture
  /// that the first of its pixels is.
  private func forEachRow(_ body: (_ source: Int, _ pass: PNGHeader.Pass, _ pixel: Int) -> Void) {
    var offset = 0
    for pass in header.passes {
      for y in 0..<pass.height {
        body(offset + 1, pass, (pass.firstY + y * pass.stepY) * header.width + pass.firstX)
        offset += 1 + header.rowBytes(pass.width)
      }
    }
  }

  /// The samples of 16 bits.
  private func words(_ bytes: [UInt8]) -> [UInt16] {
    let channels = header.samplesPerPixel
    var words = [UInt16](repeating: 0, count: header.width * header.height * channels)
    forEachRow { source, pass, pixel in
      for i in 0..<pass.width * channels {
        let target = (pixel + i / channels * pass.stepX) * channels + i % channels
        words[target] = UInt16(bytes[source + 2 * i]) << 8 | UInt16(bytes[source + 2 * i + 1])
      }
    }
    return words
  }

  /// The samples of up to 8 bits, unpacked to a byte each.
  private func samples(_ bytes: [UInt8]) -> [UInt8] {
    let (channels, depth) = (header.samplesPerPixel, header.depth)
    let mask = UInt8(truncatingIfNeeded: 1 << depth - 1)
    return [UInt8](unsafeUninitializedCapacity: header.width * header.height * channels) {
      target, count in
      count = header.width * header.height * channels
      bytes.withUnsafeBufferPointer { bytes in
        forEachRow { source, pass, pixel in
          if depth == 8, pass.stepX == 1 {
            let row = UnsafeBufferPointer(
              rebasing: bytes[source..<source + pass.width * channels])
            _ = UnsafeMutableBufferPointer(rebasing: target[(pixel * channels)...])
              .update(fromContentsOf: row)
          } else if depth == 8 {
            for x in 0..<pass.width {
              for channel in 0..<channels {
                target[(pixel + x * pass.stepX) * channels + channel] =
                  bytes[source + x * channels + channel]
              }
            }
          } else {
            // Only one channel has fewer bits than eight.
            let perByte = 8 / depth
            for x in 0..<pass.width {
              let shift = UInt8(8 - depth * (x % perByte + 1))
              target[pixel + x * pass.stepX] = bytes[source + x / perByte] >> shift & mask
            }
          }
        }
      }
    }
  }

  /// Undoes the filter of one row; false for an unknown filter.
  private func undoFilter(
    _ filter: UInt8, _ row: UnsafeMutablePointer<UInt8>, above: UnsafePointer<UInt8>, count: Int,
    _ pixelBytes: Int
  ) -> Bool {
    // The first pixel has nothing to its left.
    let first = min(pixelBytes, count)
    switch filter {
    case 0: break
    case 1: for i in first..<count { row[i] &+= row[i &- pixelBytes] }
    case 2: for i in 0..<count { row[i] &+= above[i] }
    case 3:
      for i in 0..<first { row[i] &+= above[i] / 2 }
      for i in first..<count {
        row[i] &+= UInt8((UInt16(row[i &- pixelBytes]) + UInt16(above[i])) / 2)
      }
    case 4:
      for i in 0..<first { row[i] &+= above[i] }
      for i in first..<count {
        row[i] &+= UInt8(
          truncatingIfNeeded: paeth(
            Int(row[i &- pixelBytes]), Int(above[i]), Int(above[i &- pixelBytes])))
      }
    default: return false
    }
    return true
  }

  /// The neighbour that is nearest to left + up - corner.
  @inline(__always)
  private func paeth(_ left: Int, _ up: Int, _ corner: Int) -> Int {
    let (toLeft, toUp) = (abs(up - corner), abs(left - corner))
    let toCorner = abs(left + up - 2 * corner)
    return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
  }
}

extension PNGHeader {
  /// What the samples are, and the mode that Pillow opens such a picture in.
  fileprivate var layoutAndMode: (Picture.Layout, Picture.Mode) {
    switch colourType {
    case .gray: (.gray, depth == 1 ? .bits : depth == 16 ? .words : .gray)
    case .grayAlpha: (.grayAlpha, depth == 16 ? .rgba : .grayAlpha)
    case .palette: (.palette, .palette)
    case .colour: (.rgb, .rgb)
    case .colourAlpha: (.rgba, .rgba)
    }
  }
}
