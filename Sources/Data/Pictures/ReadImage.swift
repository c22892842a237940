import Files
import Pictures
import Settings

/// How picture files become light values.
public struct PictureReading: Sendable, Equatable {
  /// Whether pictures are turned as their EXIF data say, so that they stand upright.
  public var isUpright = true
  /// The light behind pixels that are not opaque, from 0 (black) to 1 (white).
  public var ground: Float = 1

  public init(isUpright: Bool = true, ground: Float = 1) {
    (self.isUpright, self.ground) = (isUpright, ground)
  }
}

/// Reads a picture of any format in `allPictureFormats`.
///
/// - Throws: `Failure` for a file that cannot be read, is damaged, or is of another kind.
public func readImage(
  _ path: String, reading: PictureReading = PictureReading()
) throws(Failure) -> Image {
  try Image(bytes: try FileSystem.read(path), reading: reading, at: path)
}

extension Image {
  /// Reads the bytes of a picture file, whose format is told by its first bytes.
  public init(
    bytes: [UInt8], reading: PictureReading = PictureReading(), at place: String
  ) throws(Failure) {
    let picture = try Picture.read(bytes, at: place).picture
    try MemoryBudget.check(
      [picture.width, picture.height, 3], bytesEach: 4, for: "the pixels", at: place)
    self.init(reading.isUpright ? picture.upright() : picture, ground: reading.ground)
  }

  /// The light values of a picture as it is stored: all 16 bits count, and what is not opaque lies
  /// on a ground.
  ///
  /// - Parameter ground: its light, 1 for white.
  public init(_ picture: Picture, ground: Float = 1) {
    if picture.layout == .cmyk {
      self.init(picture.rgb())
      return
    }
    let samples: [UInt16]
    let units: [Float]
    switch picture.samples {
    case .bytes(let bytes):
      samples = bytes.map { UInt16($0) }
      units = (0...255).map { Float($0) / Float(picture.maximum) }
    case .words(let words):
      samples = words
      units = (0...65535).map { Float($0) / Float(picture.maximum) }
    }
    func onGround(_ value: Float, _ alpha: Float) -> Float {
      // Exact at both ends, and for white as it always was.
      if alpha == 1 { return value }
      return ground == 1 ? 1 - alpha * (1 - value) : ground + alpha * (value - ground)
    }
    let (width, height) = (picture.width, picture.height)
    let (inputs, outputs) = (
      picture.layout.channels,
      picture.layout == .gray || picture.layout == .grayAlpha ? 1 : 3
    )
    let palette = picture.palette.enumerated().map { index, value in
      let entry = index / 3
      let alpha =
        entry < picture.paletteAlphas.count ? Float(picture.paletteAlphas[entry]) / 255 : 1
      return onGround(Float(value) / 255, alpha)
    }
    let values = [Float](unsafeUninitializedCapacity: width * height * outputs) { target, count in
      count = width * height * outputs
      for pixel in 0..<width * height {
        let (from, to) = (pixel * inputs, pixel * outputs)
        switch picture.layout {
        case .palette:
          let entry = 3 * Int(samples[from])
          for channel in 0..<3 {
            target[to + channel] = entry < palette.count ? palette[entry + channel] : 0
          }
        case .gray, .rgb:
          let isClear =
            !picture.transparent.isEmpty
            && samples[from..<from + inputs].elementsEqual(picture.transparent)
          for channel in 0..<inputs {
            target[to + channel] = isClear ? ground : units[Int(samples[from + channel])]
          }
        case .grayAlpha, .rgba, .cmyk:
          let alpha = units[Int(samples[from + inputs - 1])]
          for channel in 0..<outputs {
            target[to + channel] = onGround(units[Int(samples[from + channel])], alpha)
          }
        }
      }
    }
    self.init(width: width, height: height, channels: outputs, values: values)
  }

  /// The light values of pixels of 8 bits, of one channel or three.
  public init(_ pixels: Pixels) {
    let units = (0...255).map { Float($0) / 255 }
    self.init(
      width: pixels.width, height: pixels.height, channels: pixels.channels,
      values: pixels.bytes.map { units[Int($0)] })
  }

  /// The picture as the bytes of a PNG file with 8 bits a channel; values outside 0 ... 1 are cut.
  public var png: [UInt8] {
    pngFile(
      values.map { UInt8((max(0, min(1, $0)) * 255).rounded()) }, width: width, height: height,
      channels: channels)
  }
}
