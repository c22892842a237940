import Settings

/// The colours of a PNG picture with a palette, and the colour that is transparent in others.
struct PNGPalette {
  /// Red, green and blue of each entry.
  private(set) var colours: [UInt8] = []
  /// The opacity of the first entries; the others are opaque.
  private var alphas: [UInt8] = []
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

  /// The light values of all entries on white.
  var values: [Float] {
    colours.indices.map { index in
      let alpha = index / 3 < alphas.count ? Float(alphas[index / 3]) / 255 : 1
      return onWhite(Float(colours[index]) / 255, alpha)
    }
  }
}

/// A light value seen through its opacity on a white ground; exact at both ends.
private func onWhite(_ value: Float, _ alpha: Float) -> Float {
  alpha == 1 ? value : 1 - alpha * (1 - value)
}

/// Turns the unpacked bytes of a PNG picture into light values.
struct PNGPixels {
  private let header: PNGHeader
  private let palette: [Float]
  private let transparent: [UInt16]
  /// The light value of each sample of up to 8 bits.
  private let units: [Float]

  init(_ header: PNGHeader, _ palette: PNGPalette) {
    self.header = header
    self.palette = header.colourType == .palette ? palette.values : []
    transparent = palette.transparent
    let largest = (1 << header.depth) - 1
    units = header.depth > 8 ? [] : (0...largest).map { Float($0) / Float(largest) }
  }

  /// - Parameter bytes: the filtered rows of all passes; the filters are undone in place.
  func image(_ bytes: inout [UInt8], at place: String) throws(Failure) -> Image {
    let count = header.width * header.height * header.channels
    var values = [Float](repeating: 0, count: count)
    let pixelBytes = max(1, header.samplesPerPixel * header.depth / 8)
    var offset = 0
    var samples: [UInt16] = []
    for pass in header.passes {
      let rowBytes = header.rowBytes(pass.width)
      var above: Int?
      for y in 0..<pass.height {
        let row = offset + 1..<offset + 1 + rowBytes
        guard undoFilter(bytes[offset], &bytes, row, above: above, pixelBytes) else {
          throw Failure(
            .badData, at: place, "filter \(bytes[offset]) in row \(y)", expected: "0 to 4",
            remedy: "the picture is damaged")
        }
        unpack(bytes, row, into: &samples, count: pass.width * header.samplesPerPixel)
        let start = (pass.firstY + y * pass.stepY) * header.width + pass.firstX
        guard write(samples, into: &values, start: start, step: pass.stepX, count: pass.width)
        else {
          throw Failure(
            .badData, at: place, "a pixel in row \(y) names a colour outside the palette",
            expected: "0 to \(palette.count / 3 - 1)", remedy: "the picture is damaged")
        }
        above = row.lowerBound
        offset = row.upperBound
      }
    }
    return Image(
      width: header.width, height: header.height, channels: header.channels, values: values)
  }

  /// Undoes the filter of one row; false for an unknown filter.
  private func undoFilter(
    _ filter: UInt8, _ bytes: inout [UInt8], _ row: Range<Int>, above: Int?, _ pixelBytes: Int
  ) -> Bool {
    let (start, count) = (row.lowerBound, row.count)
    bytes.withUnsafeMutableBufferPointer { bytes in
      switch filter {
      case 1:
        for i in start + min(pixelBytes, count)..<start + count {
          bytes[i] &+= bytes[i - pixelBytes]
        }
      case 2:
        guard let above else { return }
        for i in 0..<count { bytes[start + i] &+= bytes[above + i] }
      case 3:
        for i in 0..<count {
          let left = i < pixelBytes ? 0 : UInt16(bytes[start + i - pixelBytes])
          let up = above.map { UInt16(bytes[$0 + i]) } ?? 0
          bytes[start + i] &+= UInt8((left + up) / 2)
        }
      case 4:
        for i in 0..<count {
          let left = i < pixelBytes ? 0 : Int(bytes[start + i - pixelBytes])
          let up = above.map { Int(bytes[$0 + i]) } ?? 0
          let corner = i < pixelBytes ? 0 : above.map { Int(bytes[$0 + i - pixelBytes]) } ?? 0
          bytes[start + i] &+= UInt8(paeth(left, up, corner))
        }
      default: break
      }
    }
    return filter <= 4
  }

  /// The neighbour that is nearest to left + up - corner.
  private func paeth(_ left: Int, _ up: Int, _ corner: Int) -> Int {
    let (toLeft, toUp) = (abs(up - corner), abs(left - corner))
    let toCorner = abs(left + up - 2 * corner)
    return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
  }

  /// The samples of one row, whatever their depth.
  private func unpack(
    _ bytes: [UInt8], _ row: Range<Int>, into samples: inout [UInt16], count: Int
  ) {
    samples.removeAll(keepingCapacity: true)
    samples.reserveCapacity(count)
    switch header.depth {
    case 8: samples.append(contentsOf: bytes[row].lazy.map { UInt16($0) })
    case 16:
      for i in stride(from: row.lowerBound, to: row.upperBound, by: 2) {
        samples.append(UInt16(bytes[i]) << 8 | UInt16(bytes[i + 1]))
      }
    default:
      let (depth, perByte) = (header.depth, 8 / header.depth)
      let mask = UInt8((1 << depth) - 1)
      for i in 0..<count {
        let shift = UInt8(8 - depth * (i % perByte + 1))
        samples.append(UInt16(bytes[row.lowerBound + i / perByte] >> shift & mask))
      }
    }
  }

  @inline(__always)
  private func unit(_ sample: UInt16) -> Float {
    header.depth > 8 ? Float(sample) / 65535 : units[Int(sample)]
  }

  /// Writes the light values of one row; false for a colour outside the palette.
  private func write(
    _ samples: [UInt16], into values: inout [Float], start: Int, step: Int, count: Int
  ) -> Bool {
    switch header.colourType {
    case .gray:
      let clear = transparent.first
      for i in 0..<count { values[start + i * step] = samples[i] == clear ? 1 : unit(samples[i]) }
    case .grayAlpha:
      for i in 0..<count {
        values[start + i * step] = onWhite(unit(samples[2 * i]), unit(samples[2 * i + 1]))
      }
    case .palette:
      for i in 0..<count {
        let entry = Int(samples[i]) * 3
        guard entry < palette.count else { return false }
        let target = (start + i * step) * 3
        for channel in 0..<3 { values[target + channel] = palette[entry + channel] }
      }
    case .colour:
      for i in 0..<count {
        let (source, target) = (i * 3, (start + i * step) * 3)
        let isClear =
          transparent.count == 3 && samples[source] == transparent[0]
          && samples[source + 1] == transparent[1] && samples[source + 2] == transparent[2]
        for channel in 0..<3 {
          values[target + channel] = isClear ? 1 : unit(samples[source + channel])
        }
      }
    case .colourAlpha:
      for i in 0..<count {
        let (source, target) = (i * 4, (start + i * step) * 3)
        let alpha = unit(samples[source + 3])
        for channel in 0..<3 {
          values[target + channel] = onWhite(unit(samples[source + channel]), alpha)
        }
      }
    }
    return true
  }
}
