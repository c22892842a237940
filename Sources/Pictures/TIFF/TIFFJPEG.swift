import Settings

/// Strips and tiles that are JPEG streams, whose tables may lie in the directory.
///
/// Source: Adobe Photoshop TIFF Technical Notes (2002).
struct TIFFJPEG {
  private let directory: TIFFDirectory
  private let header: TIFFHeader

  init(_ directory: TIFFDirectory, _ header: TIFFHeader) {
    (self.directory, self.header) = (directory, header)
  }

  /// The samples of one part, `partWidth` pixels in a row.
  func samples(
    _ packed: ArraySlice<UInt8>, rows: Int, channels: Int
  ) throws(Failure) -> [UInt8] {
    var stream = Array(packed)
    if let tables = try directory.data(347), tables.count > 4, stream.count > 2 {
      // The tables are a stream of their own, whose segments go before those of the part.
      stream.replaceSubrange(0..<2, with: tables.dropLast(2))
    }
    // The directory speaks before the stream.
    let space: JPEGReader.ColourSpace = header.colour == .yCbCr ? .yCbCr : .stored
    let picture = try stream.withUnsafeBufferPointer { (buffer) throws(Failure) -> Picture in
      var reader = JPEGReader(buffer, at: directory.place)
      // Streams that fill up units may be a little larger than what they show.
      reader.mostPixels = 2 * header.partWidth * header.partHeight + 1 << 16
      try reader.readAll()
      return try reader.picture(as: space)
    }
    guard picture.width >= header.partWidth, picture.height >= rows,
      picture.layout.channels == channels, case .bytes(let bytes) = picture.samples
    else {
      throw directory.failure(
        "a JPEG part of \(picture.width) x \(picture.height) x \(picture.layout.channels)",
        expected: "\(header.partWidth) x \(rows) x \(channels)")
    }
    guard picture.width > header.partWidth else { return bytes }
    return (0..<rows).flatMap { row in
      let start = row * picture.width * channels
      return bytes[start..<start + header.partWidth * channels]
    }
  }
}
