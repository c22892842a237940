import Pictures

/// What pictures are called, and which of them are read.
public enum PictureFormats {
  /// Endings that ``readImage(_:reading:)`` reads.
  public static let read = pictureSuffixes

  /// Endings of pictures that are not read, with what they are called: files that end so are
  /// refused by name instead of being passed over.
  public static let unread = [
    "heic": "HEIC", "heif": "HEIF", "avif": "AVIF", "jxl": "JPEG XL", "jp2": "JPEG 2000",
    "j2k": "JPEG 2000", "pam": "PAM", "pfm": "PFM", "tga": "Targa", "ico": "ICO", "svg": "SVG",
    "psd": "PSD", "exr": "OpenEXR", "hdr": "Radiance", "qoi": "QOI", "pcx": "PCX", "dcm": "DICOM",
    "cr2": "raw", "nef": "raw", "arw": "raw", "dng": "raw",
  ]

  /// What a file without a known ending is by its first bytes; nil if it is no picture.
  ///
  /// BMP and PNM begin with two letters, as texts may, so these are known by their names only.
  static func ending(of bytes: [UInt8]) -> String? {
    allPictureFormats.first { !["BMP", "PPM"].contains($0.name) && $0.recognizes(bytes) }?
      .suffixes.first
  }

  /// The ending of a name, in lower case and without the dot.
  static func ending(ofName name: String) -> String {
    let base = name[(name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex)...]
    guard let dot = base.lastIndex(of: "."), dot != base.startIndex else { return "" }
    return base[base.index(after: dot)...].lowercased()
  }
}
