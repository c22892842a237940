/// What pictures are called, and which of them are read: the one list of endings.
///
/// A decoder that comes new moves its endings from `unread` to `read`.
public enum PictureFormats {
  /// Endings that ``readImage(_:)`` reads.
  public static let read = ["png", "pgm", "ppm", "pbm", "pnm"]

  /// Endings of pictures that are not read yet, with what they are called: files that end so are
  /// refused by name instead of being passed over.
  public static let unread = [
    "jpg": "JPEG", "jpeg": "JPEG", "jpe": "JPEG", "jfif": "JPEG", "gif": "GIF", "bmp": "BMP",
    "dib": "BMP", "tif": "TIFF", "tiff": "TIFF", "webp": "WebP", "heic": "HEIC", "heif": "HEIF",
    "avif": "AVIF", "jxl": "JPEG XL", "jp2": "JPEG 2000", "j2k": "JPEG 2000", "pam": "PAM",
    "pfm": "PFM", "tga": "Targa", "ico": "ICO", "svg": "SVG", "psd": "PSD", "exr": "OpenEXR",
    "hdr": "Radiance", "qoi": "QOI", "pcx": "PCX", "apng": "APNG", "dcm": "DICOM", "cr2": "raw",
    "nef": "raw", "arw": "raw", "dng": "raw",
  ]

  /// What a file without a known ending is by its first bytes; nil if it is no picture.
  static func ending(of bytes: [UInt8]) -> String? {
    func begins(_ mark: [UInt8]) -> Bool { bytes.starts(with: mark) }
    if begins(PNG.signature) { return "png" }
    if begins([0xFF, 0xD8, 0xFF]) { return "jpg" }
    if begins(Array("GIF8".utf8)) { return "gif" }
    if begins([0x49, 0x49, 0x2A, 0]) || begins([0x4D, 0x4D, 0, 0x2A]) { return "tif" }
    if begins(Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
      return "webp"
    }
    return nil
  }

  /// The ending of a name, in lower case and without the dot.
  static func ending(ofName name: String) -> String {
    let base = name[(name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex)...]
    guard let dot = base.lastIndex(of: "."), dot != base.startIndex else { return "" }
    return base[base.index(after: dot)...].lowercased()
  }
}
