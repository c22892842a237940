import Settings

/// JPEG: baseline, extended and progressive pictures with Huffman codes, to the byte of what
/// libjpeg-turbo makes of them by default.
///
/// Source: ITU-T T.81 (1992); T.871 (JFIF, 2011); Adobe Technical Note 5116 (1992).
struct JPEG: PictureFormat {
  let name = "JPEG"
  let suffixes = ["jpg", "jpeg", "jpe", "jfif"]

  func recognizes(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0xFF, 0xD8]) }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    try bytes.withUnsafeBufferPointer { (buffer) throws(Failure) -> Picture in
      var reader = JPEGReader(buffer, reduction: options.reduction, at: place)
      try reader.readAll()
      return try reader.picture()
    }
  }

  /// The order in which the coefficients of a block come; what is out of range counts as the last.
  static let zigzag: [UInt8] =
    [
      0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
      20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58,
      59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    ] + [UInt8](repeating: 63, count: 16)
}
