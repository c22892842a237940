import Files
import Settings

/// Unpacks the strips or tiles of a TIFF picture and puts them together.
struct TIFFPixels {
  private let directory: TIFFDirectory
  private let header: TIFFHeader

  init(_ directory: TIFFDirectory, _ header: TIFFHeader) {
    (self.directory, self.header) = (directory, header)
  }

  func picture() throws(Failure) -> Picture {
    let channels = header.channels
    var samples = [UInt16](
      repeating: 0, count: header.bits == 16 ? header.width * header.height * channels : 0)
    var bytes = [UInt8](
      repeating: 0, count: header.bits == 16 ? 0 : header.width * header.height * channels)
    let across = (header.width + header.partWidth - 1) / header.partWidth
    let down = (header.height + header.partHeight - 1) / header.partHeight
    let planes = header.isPlanar ? channels : 1
    guard header.offsets.count >= across * down * planes else {
      throw directory.failure(
        "\(header.offsets.count) parts of the picture", expected: "\(across * down * planes)")
    }
    for part in 0..<across * down * planes {
      let (plane, place) = (part / (across * down), part % (across * down))
      let (left, top) = (place % across * header.partWidth, place / across * header.partHeight)
      // The last strip is shorter, tiles are whole.
      let rows = header.isTiled ? header.partHeight : min(header.partHeight, header.height - top)
      let width = min(header.partWidth, header.width - left)
      let own = header.isPlanar ? 1 : channels
      let data = try unpacked(part, rows: rows, channels: own)
      let rowBytes = header.packing == .jpeg ? header.partWidth * own : rowBytes(own)
      for row in 0..<min(rows, header.height - top) {
        let source = row * rowBytes
        let target = ((top + row) * header.width + left) * channels + plane
        if header.bits == 16 {
          for index in 0..<width * own {
            let (first, second) = (data[source + 2 * index], data[source + 2 * index + 1])
            samples[target + (header.isPlanar ? index * channels : index)] =
              directory.isLittleEndian
              ? UInt16(second) << 8 | UInt16(first) : UInt16(first) << 8 | UInt16(second)
          }
        } else if header.bits == 8 {
          for index in 0..<width * own {
            bytes[target + (header.isPlanar ? index * channels : index)] = data[source + index]
          }
        } else {
          let perByte = 8 / header.bits
          let mask = UInt8(truncatingIfNeeded: 1 << header.bits - 1)
          for index in 0..<width {
            let shift = UInt8(8 - header.bits * (index % perByte + 1))
            bytes[target + index] = data[source + index / perByte] >> shift & mask
          }
        }
      }
    }
    return header.bits == 16
      ? picture(words: samples) : picture(bytes: bytes)
  }

  /// The bytes of a row of a part with `channels` samples a pixel.
  private func rowBytes(_ channels: Int) -> Int {
    (header.partWidth * channels * header.bits + 7) / 8
  }

  /// The bytes of a strip or tile, with differences undone.
  private func unpacked(_ part: Int, rows: Int, channels: Int) throws(Failure) -> [UInt8] {
    let (offset, count) = (header.offsets[part], header.byteCounts[part])
    guard offset <= directory.bytes.count else {
      throw directory.failure("part \(part) of the picture lies behind the file")
    }
    var packed = directory.bytes[offset..<offset + count]
    if header.isBitReversed { packed = packed.map { TIFFPixels.reversed($0) }[...] }
    let size = rowBytes(channels) * rows
    var data: [UInt8]
    switch header.packing {
    case .none: data = Array(packed.prefix(size))
    case .packBits: data = unpackedBits(packed, size: size)
    case .lzw:
      var decoder = LZW(codeBits: 8, order: .mostSignificantFirst)
      data = decoder.unpack(packed, count: size).0
    case .deflate:
      // A strip may hold more rows than it shows.
      data = try Inflate.zlib(
        packed, limit: max(size, rowBytes(channels) * header.partHeight),
        at: "\(directory.place): part \(part)")
    case .jpeg:
      data = try TIFFJPEG(directory, header).samples(packed, rows: rows, channels: channels)
    }
    guard data.count >= size else {
      throw directory.failure(
        "\(data.count) bytes in part \(part) of the picture", expected: "\(size)")
    }
    if header.isDifferenced { undoDifferences(&data, rows: rows, channels: channels) }
    return data
  }

  private func undoDifferences(_ data: inout [UInt8], rows: Int, channels: Int) {
    let rowBytes = rowBytes(channels)
    let isLittle = directory.isLittleEndian
    for row in 0..<rows {
      let start = row * rowBytes
      if header.bits == 8 {
        for index in stride(from: channels, to: rowBytes, by: 1) {
          data[start + index] &+= data[start + index - channels]
        }
      } else {
        for index in stride(from: channels, to: rowBytes / 2, by: 1) {
          func word(_ index: Int) -> UInt16 {
            let (first, second) = (data[start + 2 * index], data[start + 2 * index + 1])
            return isLittle
              ? UInt16(second) << 8 | UInt16(first) : UInt16(first) << 8 | UInt16(second)
          }
          let sum = word(index) &+ word(index - channels)
          data[start + 2 * index + (isLittle ? 1 : 0)] = UInt8(sum >> 8)
          data[start + 2 * index + (isLittle ? 0 : 1)] = UInt8(truncatingIfNeeded: sum)
        }
      }
    }
  }

  /// Undoes PackBits: runs of equal bytes, and of bytes one by one.
  private func unpackedBits(_ packed: ArraySlice<UInt8>, size: Int) -> [UInt8] {
    var (data, offset) = ([UInt8](), packed.startIndex)
    data.reserveCapacity(size)
    while data.count < size, offset < packed.endIndex {
      let head = Int(Int8(bitPattern: packed[offset]))
      offset += 1
      if head >= 0 {
        let end = min(offset + head + 1, packed.endIndex)
        data += packed[offset..<end]
        offset = end
      } else if head != -128, offset < packed.endIndex {
        data += repeatElement(packed[offset], count: 1 - head)
        offset += 1
      }
    }
    return Array(data.prefix(size))
  }

  private static func reversed(_ byte: UInt8) -> UInt8 {
    (0..<8).reduce(0) { $0 | (byte >> UInt8($1) & 1) << UInt8(7 - $1) }
  }

  private func picture(words: [UInt16]) -> Picture {
    let (layout, mode, used) = layout()
    var words = kept(words, used)
    if header.colour == .whiteIsZero { words = words.map { 65535 - $0 } }
    if header.extra == .premultiplied {
      // Pillow keeps the high bytes of such pictures.
      return Picture(
        width: header.width, height: header.height, layout: layout,
        samples: .bytes(unmultiplied(words.map { UInt8($0 >> 8) }, channels: used)), mode: mode)
    }
    return Picture(
      width: header.width, height: header.height, layout: layout, samples: .words(words),
      maximum: 65535, mode: mode)
  }

  private func picture(bytes: [UInt8]) -> Picture {
    let (layout, mode, used) = layout()
    var bytes = kept(bytes, used)
    let maximum = 1 << header.bits - 1
    if header.colour == .whiteIsZero { bytes = bytes.map { UInt8(maximum) - $0 } }
    if header.extra == .premultiplied { bytes = unmultiplied(bytes, channels: used) }
    return Picture(
      width: header.width, height: header.height, layout: layout, samples: .bytes(bytes),
      maximum: layout == .palette ? 255 : maximum, mode: mode, palette: header.palette)
  }

  /// What the samples are, the mode of Pillow, and how many samples of a pixel are used.
  private func layout() -> (Picture.Layout, Picture.Mode, Int) {
    let hasAlpha = header.extra == .alpha || header.extra == .premultiplied
    switch header.colour {
    case .whiteIsZero, .blackIsZero:
      if hasAlpha { return (.grayAlpha, .grayAlpha, 2) }
      let words: Picture.Mode = directory.isLittleEndian ? .words : .swappedWords
      return (.gray, header.bits == 1 ? .bits : header.bits == 16 ? words : .gray, 1)
    case .palette: return (.palette, .palette, 1)
    case .rgb, .yCbCr: return hasAlpha ? (.rgba, .rgba, 4) : (.rgb, .rgb, 3)
    case .cmyk: return (.cmyk, .cmyk, 4)
    }
  }

  /// The first samples of each pixel.
  private func kept<T>(_ samples: [T], _ used: Int) -> [T] {
    guard used < header.channels else { return samples }
    return (0..<header.width * header.height).flatMap { pixel in
      samples[pixel * header.channels..<pixel * header.channels + used]
    }
  }

  /// Colour before it was multiplied by opacity.
  private func unmultiplied(_ bytes: [UInt8], channels: Int) -> [UInt8] {
    var bytes = bytes
    for start in stride(from: 0, to: bytes.count, by: channels) {
      let alpha = Int(bytes[start + channels - 1])
      guard alpha < 255 else { continue }
      for channel in 0..<channels - 1 {
        let value = alpha == 0 ? 0 : Int(bytes[start + channel]) * 255 / alpha
        bytes[start + channel] = UInt8(min(255, value))
      }
    }
    return bytes
  }
}
