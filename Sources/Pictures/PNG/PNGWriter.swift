import Files

extension PNG {
  /// The bytes of a PNG file with 8 bits a channel.
  ///
  /// - Parameter bytes: rows of pixels of one channel (gray) or three.
  ///
  /// Source: Portable Network Graphics Specification, third edition (W3C, 2025).
  fileprivate static func file(_ bytes: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8]
  {
    var rows: [UInt8] = []
    rows.reserveCapacity(bytes.count + height)
    for row in 0..<height {
      // Each row begins with its filter: none.
      rows.append(0)
      rows += bytes[row * width * channels..<(row + 1) * width * channels]
    }
    var writer = ByteWriter()
    writer.append(PNG.signature)
    var header = ByteWriter()
    header.bigEndian(UInt32(width))
    header.bigEndian(UInt32(height))
    header.append([8, channels == 1 ? 0 : 2, 0, 0, 0] as [UInt8])
    writer.appendChunk("IHDR", header.bytes)
    writer.appendChunk("IDAT", deflated(rows))
    writer.appendChunk("IEND", [])
    return writer.bytes
  }
}

/// Packs pixels as the bytes of a PNG file.
///
/// - Parameter bytes: rows from the top, 8 bits a channel, one channel (gray) or three.
/// - Precondition: as many bytes as the size makes.
package func pngFile(_ bytes: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
  precondition(
    (channels == 1 || channels == 3) && bytes.count == width * height * channels,
    "pngFile: \(bytes.count) bytes are not \(width) x \(height) x \(channels)")
  return PNG.file(bytes, width: width, height: height, channels: channels)
}

extension ByteWriter {
  fileprivate mutating func appendChunk(_ type: String, _ data: [UInt8]) {
    bigEndian(UInt32(data.count))
    let chunk = Array(type.utf8) + data
    append(chunk)
    bigEndian(CRC32.of(chunk[...]))
  }
}
