import Settings

/// TIFF: the first picture, plain or packed by LZW, deflate, PackBits or JPEG, in strips or tiles.
///
/// Source: TIFF, revision 6.0 (Aldus, 1992); Adobe's technical notes of 1995 and 2002; BigTIFF.
struct TIFF: PictureFormat {
  let name = "TIFF"
  let suffixes = ["tif", "tiff"]

  func recognizes(_ bytes: [UInt8]) -> Bool {
    [[0x49, 0x49, 42, 0], [0x4D, 0x4D, 0, 42], [0x49, 0x49, 43, 0], [0x4D, 0x4D, 0, 43]]
      .contains { bytes.starts(with: $0 as [UInt8]) }
  }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    let directory = try TIFFDirectory(bytes, at: place)
    let header = try TIFFHeader(directory)
    var picture = try TIFFPixels(directory, header).picture()
    // Pillow turns pictures of this format as it reads them.
    picture.orientation = header.orientation
    return picture.upright()
  }
}
