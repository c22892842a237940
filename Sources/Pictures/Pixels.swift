/// A picture of 8 bits a channel, as resizing and networks want it.
public struct Pixels: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// 1 for gray, 3 for red, green and blue, 4 with another.
  public let channels: Int
  /// Rows from the top, pixel after pixel, channel after channel.
  public let bytes: [UInt8]

  /// - Precondition: the picture is not empty, and has as many bytes as its size makes.
  public init(width: Int, height: Int, channels: Int, bytes: [UInt8]) {
    precondition(
      width > 0 && height > 0 && (1...4).contains(channels)
        && bytes.count == width * height * channels,
      "Pixels: [\(height), \(width), \(channels)] does not hold \(bytes.count) bytes")
    (self.width, self.height, self.channels, self.bytes) = (width, height, channels, bytes)
  }
}

extension Picture {
  /// The picture in red, green and blue, as `rgbBytes()` makes them.
  public func rgb() -> Pixels {
    Pixels(width: width, height: height, channels: 3, bytes: rgbBytes())
  }
}
