/// Every format of pictures; the content of a file decides which, not its name.
public let allPictureFormats: [any PictureFormat] = [
  JPEG(),
  PNG(),
  GIF(),
  BMP(),
  TIFF(),
  PNM(),
  WebP(),
]
