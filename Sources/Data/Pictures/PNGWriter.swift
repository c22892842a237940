import Files

extension Image {
  /// The picture as the bytes of a PNG file with 8 bits a channel; values outside 0 ... 1 are cut.
  ///
  /// Source: Portable Network Graphics Specification, third edition (W3C, 2025).
  public var png: [UInt8] {
    var rows: [UInt8] = []
    rows.reserveCapacity(values.count + height)
    for row in 0..<height {
      // Each row begins with its filter: none.
      rows.append(0)
      for value in values[row * width * channels..<(row + 1) * width * channels] {
        rows.append(UInt8((max(0, min(1, value)) * 255).rounded()))
      }
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

extension ByteWriter {
  fileprivate mutating func appendChunk(_ type: String, _ data: [UInt8]) {
    bigEndian(UInt32(data.count))
    let chunk = Array(type.utf8) + data
    append(chunk)
    bigEndian(CRC32.of(chunk[...]))
  }
}
