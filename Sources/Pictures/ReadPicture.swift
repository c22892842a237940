import Files
import Settings

/// What the names of picture files end in, in lower case and without the dot.
public let pictureSuffixes = allPictureFormats.flatMap(\.suffixes)

extension Picture {
  /// Reads a picture file of any format of the registry.
  ///
  /// - Throws: `Failure` for a file that cannot be read, is damaged, or is of another kind.
  public static func read(
    _ path: String, options: PictureOptions = PictureOptions()
  ) throws(Failure) -> (format: any PictureFormat, picture: Picture) {
    try read(try FileSystem.read(path), options: options, at: path)
  }

  /// Reads the bytes of a picture file, whose format they tell; `place` names it in messages.
  public static func read(
    _ bytes: [UInt8], options: PictureOptions = PictureOptions(), at place: String
  ) throws(Failure) -> (format: any PictureFormat, picture: Picture) {
    guard let format = allPictureFormats.first(where: { $0.recognizes(bytes) }) else {
      throw Failure(
        .badData, at: place,
        bytes.isEmpty ? "the file is empty" : unknownKind(bytes) ?? "this is not a known picture",
        expected: allPictureFormats.map(\.name).joined(separator: ", "),
        remedy: bytes.isEmpty ? "" : "convert it to PNG")
    }
    return (format, try format.read(bytes, options: options, at: place))
  }

  /// What else a file is, told by its first bytes.
  private static func unknownKind(_ bytes: [UInt8]) -> String? {
    func has(_ text: String, at offset: Int) -> Bool {
      bytes.dropFirst(offset).starts(with: Array(text.utf8))
    }
    if has("ftypavif", at: 4) || has("ftypavis", at: 4) { return "AVIF pictures are not read" }
    if has("ftyphei", at: 4) || has("ftypmif1", at: 4) { return "HEIC pictures are not read" }
    if has("jP  ", at: 4) || bytes.starts(with: [0xFF, 0x4F, 0xFF, 0x51]) {
      return "JPEG 2000 pictures are not read"
    }
    if has("JXL ", at: 4) || bytes.starts(with: [0xFF, 0x0A]) {
      return "JPEG XL pictures are not read"
    }
    if has("<svg", at: 0) || has("<?xml", at: 0) { return "SVG drawings are not read" }
    if has("%PDF", at: 0) { return "PDF documents are not read" }
    if has("8BPS", at: 0) { return "Photoshop documents are not read" }
    return nil
  }
}
