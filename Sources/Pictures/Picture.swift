/// A picture as its file stores it: samples row after row, and what they mean.
///
/// Nothing is lost on the way: 16-bit samples stay 16 bits, palettes stay palettes, and what is
/// transparent is told. `rgbBytes()` and Data's `Image` are what is made of it.
public struct Picture: Sendable, Equatable {
  /// What the samples of a pixel are.
  public enum Layout: Sendable, Equatable {
    case gray, grayAlpha, palette, rgb, rgba
    /// Inks as Pillow keeps them: 255 is all ink.
    case cmyk

    /// Samples of a pixel.
    public var channels: Int {
      switch self {
      case .gray, .palette: 1
      case .grayAlpha: 2
      case .rgb: 3
      case .rgba, .cmyk: 4
      }
    }
  }

  /// Samples of 8 bits, or of more.
  public enum Samples: Sendable, Equatable {
    case bytes([UInt8])
    case words([UInt16])

    public var count: Int {
      switch self {
      case .bytes(let values): values.count
      case .words(let values): values.count
      }
    }
  }

  /// The modes that Pillow opens such files in.
  public enum Mode: String, Sendable {
    case bits = "1"
    case gray = "L"
    /// 16 bits, the least significant byte first.
    case words = "I;16"
    /// 16 bits, the most significant byte first.
    case swappedWords = "I;16B"
    /// 32 bits.
    case integers = "I"
    case grayAlpha = "LA"
    case palette = "P"
    case rgb = "RGB"
    case rgba = "RGBA"
    case cmyk = "CMYK"
  }

  public let width: Int
  public let height: Int
  public let layout: Layout
  /// Row after row from the top, pixel after pixel, channel after channel.
  public let samples: Samples
  /// The sample that is full light, 255 or 65535 but for some PNM files; meaningless for palettes.
  public let maximum: Int
  public let mode: Mode
  /// Whether 16-bit colour becomes 8 bits by rounding, as of PNM files, instead of by its high byte.
  let roundsToBytes: Bool
  /// Red, green and blue of each entry of a palette.
  public let palette: [UInt8]
  /// The opacity of the first entries of a palette; the others are opaque.
  public let paletteAlphas: [UInt8]
  /// The samples of the one gray or colour that is transparent; empty for none.
  public let transparent: [UInt16]
  /// How the picture is to be turned to stand upright, 1 to 8 as EXIF counts.
  public var orientation: Int

  /// - Precondition: the picture is not empty and has as many samples as its size and layout make.
  package init(
    width: Int, height: Int, layout: Layout, samples: Samples, maximum: Int = 255, mode: Mode,
    palette: [UInt8] = [], paletteAlphas: [UInt8] = [], transparent: [UInt16] = [],
    orientation: Int = 1, roundsToBytes: Bool = false
  ) {
    precondition(
      width > 0 && height > 0 && samples.count == width * height * layout.channels,
      "Picture: \(width) x \(height) of \(layout) is not \(samples.count) samples")
    (self.width, self.height, self.layout, self.samples) = (width, height, layout, samples)
    (self.maximum, self.mode, self.palette) = (maximum, mode, palette)
    (self.paletteAlphas, self.transparent) = (paletteAlphas, transparent)
    (self.orientation, self.roundsToBytes) = (orientation, roundsToBytes)
  }
}
