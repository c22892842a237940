import Files
import Settings

/// Reads a PNG, PBM, PGM or PPM picture.
///
/// - Throws: `Failure` for a file that cannot be read, is damaged, or is of another kind.
public func readImage(_ path: String) throws(Failure) -> Image {
  try Image(bytes: try FileSystem.read(path), at: path)
}

extension Image {
  /// Reads the bytes of a PNG, PBM, PGM or PPM file, told apart by their first bytes.
  public init(bytes: [UInt8], at place: String) throws(Failure) {
    if bytes.starts(with: PNG.signature) {
      self = try PNG.read(bytes, at: place)
    } else if bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), (0x31...0x36).contains(bytes[1]) {
      self = try readPNM(bytes, at: place)
    } else if let format = PictureFormats.ending(of: bytes).flatMap({ PictureFormats.unread[$0] })
      ?? (bytes.starts(with: [0xFF, 0xD8]) ? "JPEG" : nil)
    {
      throw Failure(
        .badData, at: place, "\(format) pictures are not read yet", remedy: "convert it to PNG")
    } else {
      throw Failure(
        .badData, at: place, bytes.isEmpty ? "the file is empty" : "this is not a known picture",
        expected: "PNG, PBM, PGM or PPM", remedy: "convert it to PNG")
    }
  }

  /// The most pixels that a file may claim; more than any camera has.
  static let mostPixels = 1 << 26
}
