extension Picture {
  /// Red, green and blue of each pixel in 8 bits, as Pillow's `convert("RGB")` gives them.
  ///
  /// Gray comes three times, palettes are looked up, opacity is dropped without a ground, inks are
  /// turned to light, of 16-bit colour the high byte is kept, and 16-bit gray is clipped at 255, so
  /// that nearly all of it is white: to train, take `Image`, which scales it.
  /// - Complexity: O(width · height).
  public func rgbBytes() -> [UInt8] {
    if layout == .rgb, case .bytes(let bytes) = samples, maximum == 255 { return bytes }
    let source = eightBits(clippingGray: true)
    let channels = layout.channels
    return [UInt8](unsafeUninitializedCapacity: width * height * 3) { target, count in
      count = width * height * 3
      source.withUnsafeBufferPointer { source in
        switch layout {
        case .gray, .grayAlpha:
          for pixel in 0..<width * height {
            let value = source[pixel * channels]
            for channel in 0..<3 { target[3 * pixel + channel] = value }
          }
        case .palette:
          for pixel in 0..<width * height {
            let entry = 3 * Int(source[pixel])
            for channel in 0..<3 {
              target[3 * pixel + channel] =
                entry + channel < palette.count ? palette[entry + channel] : 0
            }
          }
        case .rgb, .rgba:
          for pixel in 0..<width * height {
            for channel in 0..<3 {
              target[3 * pixel + channel] = source[pixel * channels + channel]
            }
          }
        case .cmyk:
          for pixel in 0..<width * height {
            let white = 255 - Int(source[4 * pixel + 3])
            for channel in 0..<3 {
              let product = Int(source[4 * pixel + channel]) * white + 128
              let ink = ((product >> 8) + product) >> 8
              target[3 * pixel + channel] = UInt8(max(0, min(255, white - ink)))
            }
          }
        }
      }
    }
  }

  /// The bytes that Pillow's `tobytes()` gives in the picture's own mode.
  public func nativeBytes() -> [UInt8] {
    switch (mode, samples) {
    case (.bits, _):
      let source = eightBits(clippingGray: false)
      let rowBytes = (width + 7) / 8
      var packed = [UInt8](repeating: 0, count: rowBytes * height)
      for y in 0..<height {
        for x in 0..<width where source[y * width + x] != 0 {
          packed[y * rowBytes + x / 8] |= 0x80 >> UInt8(x % 8)
        }
      }
      return packed
    case (.words, .words(let words)):
      return words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    case (.swappedWords, .words(let words)):
      return words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    case (.integers, .words(let words)):
      return words.flatMap { word in
        let value = scaled(Int(word), to: 65535)
        return [UInt8(value & 0xFF), UInt8(value >> 8), 0, 0]
      }
    case (.rgba, .words) where layout == .grayAlpha:
      let bytes = eightBits(clippingGray: false)
      return (0..<width * height).flatMap { pixel in
        let (gray, alpha) = (bytes[2 * pixel], bytes[2 * pixel + 1])
        return [gray, gray, gray, alpha]
      }
    default:
      return eightBits(clippingGray: false)
    }
  }

  /// The samples in 8 bits each.
  private func eightBits(clippingGray: Bool) -> [UInt8] {
    switch samples {
    case .bytes(let bytes):
      guard maximum != 255, layout != .palette else { return bytes }
      let table = (0...255).map { UInt8(scaled(min($0, maximum), to: 255)) }
      return bytes.map { table[Int($0)] }
    case .words(let words):
      if layout == .gray, clippingGray {
        return words.map { UInt8(min(255, scaled(Int($0), to: 65535))) }
      }
      if !roundsToBytes { return words.map { UInt8($0 >> 8) } }
      return words.map { UInt8(scaled(Int($0), to: 255)) }
    }
  }

  /// A sample where another number is full light: exact halves go to the even neighbour.
  private func scaled(_ sample: Int, to full: Int) -> Int {
    guard maximum != full else { return sample }
    return Int((Double(sample) / Double(maximum) * Double(full)).rounded(.toNearestOrEven))
  }
}
