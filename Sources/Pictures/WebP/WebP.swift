import Settings

/// WebP, lossless and lossy, with opacity; of animations the first picture.
///
/// Source: *WebP Container Specification* and *Specification for WebP Lossless Bitstream* (Google,
/// 2023); RFC 6386 and RFC 9649.
struct WebP: PictureFormat {
  let name = "WEBP"
  let suffixes = ["webp"]

  func recognizes(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 12 && bytes.starts(with: Array("RIFF".utf8))
      && bytes[8..<12].elementsEqual(Array("WEBP".utf8))
  }

  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture {
    var file = WebPFile(place: place)
    let size = Int(WebPFile.number(bytes[4..<8]))
    guard size <= bytes.count - 8, size >= 4 else {
      throw file.failure("\(bytes.count - 8) bytes", expected: "\(size) as the header says")
    }
    try file.read(bytes[12..<8 + size])
    return try file.picture()
  }
}

/// What the chunks of a WebP file hold.
private struct WebPFile {
  let place: String
  private var canvas: (width: Int, height: Int)?
  private var hasAlpha = false
  private var origin = (x: 0, y: 0)
  private var isAnimated = false
  private var alpha: ArraySlice<UInt8>?
  private var lossy: ArraySlice<UInt8>?
  private var lossless: ArraySlice<UInt8>?
  private var orientation = 1
  private var isInFrame = false

  init(place: String) { self.place = place }

  func failure(_ found: String, expected: String = "") -> Failure {
    Failure(
      .badData, at: place, found, expected: expected, remedy: "the picture is cut short or damaged")
  }

  static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  private var hasPicture: Bool { lossy != nil || lossless != nil }

  /// Reads chunks up to the end of `bytes`; the first picture counts.
  mutating func read(_ bytes: ArraySlice<UInt8>) throws(Failure) {
    var rest = bytes
    while rest.count >= 8 {
      let type = String(decoding: rest.prefix(4), as: UTF8.self)
      let size = Int(WebPFile.number(rest.dropFirst(4).prefix(4)))
      rest = rest.dropFirst(8)
      guard size <= rest.count else {
        throw failure("\(rest.count) bytes of chunk '\(type)'", expected: "\(size)")
      }
      let data = rest.prefix(size)
      rest = rest.dropFirst(size + size % 2)
      switch type {
      case "VP8X" where !isInFrame && canvas == nil && data.count >= 10:
        let start = data.startIndex
        hasAlpha = data[start] & 0x10 != 0
        isAnimated = data[start] & 0x02 != 0
        canvas = (
          Int(WebPFile.number(data[start + 4..<start + 7])) + 1,
          Int(WebPFile.number(data[start + 7..<start + 10])) + 1
        )
      case "ANMF" where isAnimated && !isInFrame && !hasPicture: try readFrame(data)
      case "ALPH" where !hasPicture && alpha == nil && canvas != nil: alpha = data
      case "VP8 " where !hasPicture && isAnimated == isInFrame: lossy = data
      case "VP8L" where !hasPicture && isAnimated == isInFrame: lossless = data
      case "EXIF" where !isInFrame: orientation = EXIF.orientation(data)
      default: break
      }
    }
  }

  private mutating func readFrame(_ data: ArraySlice<UInt8>) throws(Failure) {
    guard data.count >= 16 else { throw failure("a frame of \(data.count) bytes") }
    let start = data.startIndex
    origin = (
      2 * Int(WebPFile.number(data[start..<start + 3])),
      2 * Int(WebPFile.number(data[start + 3..<start + 6]))
    )
    isInFrame = true
    try read(data.dropFirst(16))
    isInFrame = false
  }

  func picture() throws(Failure) -> Picture {
    let image: WebPImage
    if let lossless {
      image = try VP8L.read(lossless, at: place)
    } else if let lossy {
      var colours = try VP8.read(lossy, at: place)
      if let alpha { try colours.setAlpha(alpha, at: place) }
      image = colours
    } else {
      throw failure("there is no picture in the file")
    }
    let showsAlpha = canvas == nil ? image.hasAlpha : hasAlpha
    let size = canvas ?? (image.width, image.height)
    guard origin.x + image.width <= size.width, origin.y + image.height <= size.height,
      isAnimated || (image.width, image.height) == size
    else {
      throw failure(
        "a picture of \(image.width) x \(image.height)",
        expected: "one that fits \(size.width) x \(size.height)")
    }
    try PictureSize.check(
      size.width, size.height, fileBytes: image.fileBytes, packing: VP8L.packing,
      free: VP8L.free, at: place)
    let channels = showsAlpha ? 4 : 3
    // What a picture does not cover is clear and black.
    var samples = [UInt8](repeating: 0, count: size.width * size.height * channels)
    for y in 0..<image.height {
      var target = ((origin.y + y) * size.width + origin.x) * channels
      for x in 0..<image.width {
        let pixel = image.pixels[y * image.width + x]
        samples[target] = UInt8(truncatingIfNeeded: pixel >> 16)
        samples[target + 1] = UInt8(truncatingIfNeeded: pixel >> 8)
        samples[target + 2] = UInt8(truncatingIfNeeded: pixel)
        if showsAlpha { samples[target + 3] = UInt8(truncatingIfNeeded: pixel >> 24) }
        target += channels
      }
    }
    return Picture(
      width: size.width, height: size.height, layout: showsAlpha ? .rgba : .rgb,
      samples: .bytes(samples), mode: showsAlpha ? .rgba : .rgb, orientation: orientation)
  }
}

/// A decoded picture: opacity, red, green and blue of each pixel, from the highest byte.
struct WebPImage {
  var width, height: Int
  var pixels: [UInt32]
  var hasAlpha: Bool
  /// How many bytes it was made of.
  var fileBytes: Int
}
