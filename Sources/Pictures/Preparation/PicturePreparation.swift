import Settings

/// What is done to a picture before a network sees it: its size, the part that is kept, and how
/// bytes become numbers.
///
/// A pretrained network needs the very preparation that it was trained with; its weights do not
/// tell which.
public struct PicturePreparation: Configurable, Equatable {
  /// How a picture is brought to its size.
  public enum Fit: String, CaseIterable, Sendable {
    /// The shorter edge to `edge`, then the middle of it.
    case crop
    /// Both edges, whatever the shape.
    case stretch
    /// The longer edge, then black to both sides of it.
    case pad
    /// The middle of it, as large as it is.
    case none
  }

  /// Rows and columns of what the network sees.
  public var size = [224, 224]
  public var fit = Fit.crop
  /// The shorter edge before the middle is cut out; 0 for the shorter edge of `size`.
  public var edge = 256
  public var filter = ResizeFilter.bilinear
  /// What bytes are multiplied by.
  public var scale = 1.0 / 255
  /// What is subtracted, and what is divided by after it: red, green, blue.
  public var mean = [0.485, 0.456, 0.406]
  public var deviation = [0.229, 0.224, 0.225]

  /// ImageNet's, as torchvision evaluates.
  public init() {}

  public static let settings: [Setting<Self>] = [
    Setting("size", \Self.size, "rows and columns of what the network sees", in: 1...8192),
    Setting("fit", \Self.fit, "how a picture is brought to the size"),
    Setting(
      "edge", \Self.edge, "the shorter edge before the middle is cut out, 0 for that of size"),
    Setting("filter", \Self.filter, "how a pixel is made of those of the picture"),
    Setting("scale", \Self.scale, "what bytes are multiplied by"),
    Setting("mean", \Self.mean, "what is subtracted, for red, green and blue"),
    Setting("deviation", \Self.deviation, "what is divided by, for red, green and blue"),
  ]

  /// Refuses settings that do not go together.
  public func validate(at place: String) throws(Failure) {
    guard size.count == 2, size.allSatisfy({ (1...8192).contains($0) }) else {
      throw Failure(
        .badData, at: "\(place): size", "this is \(size)", expected: "[rows, columns]")
    }
    guard edge <= 1 << 14, fit != .crop || edge == 0 || edge >= 1 else {
      throw Failure(.badData, at: "\(place): edge", "this is \(edge)", expected: "0 to 16384")
    }
    guard mean.count == 3, deviation.count == 3, deviation.allSatisfy({ $0 != 0 && $0.isFinite })
    else {
      throw Failure(
        .badData, at: place, "mean \(mean), deviation \(deviation)",
        expected: "three numbers each, and no deviation of 0")
    }
  }

  /// The pixels that the network sees, before they become numbers.
  ///
  /// - Precondition: `validate` does not throw; `pixels` has three channels.
  public func fitted(_ pixels: Pixels) -> Pixels {
    let (rows, columns) = (size[0], size[1])
    switch fit {
    case .stretch: return pixels.resized(width: columns, height: rows, filter: filter)
    case .none: return pixels.middle(width: columns, height: rows)
    case .crop:
      let short = edge > 0 ? edge : min(rows, columns)
      // The longer edge is cut to a whole number, as torchvision does.
      let isWide = pixels.width > pixels.height
      let (least, most) = isWide ? (pixels.height, pixels.width) : (pixels.width, pixels.height)
      let long = Int(Double(short * most) / Double(least))
      return pixels.resized(
        width: isWide ? long : short, height: isWide ? short : long, filter: filter
      ).middle(width: columns, height: rows)
    case .pad:
      let factor = min(
        Double(columns) / Double(pixels.width), Double(rows) / Double(pixels.height))
      let width = max(1, min(columns, Int((Double(pixels.width) * factor).rounded())))
      let height = max(1, min(rows, Int((Double(pixels.height) * factor).rounded())))
      return pixels.resized(width: width, height: height, filter: filter)
        .middle(width: columns, height: rows)
    }
  }

  /// What the network sees: [rows, columns, 3].
  ///
  /// Formula: (byte · scale - mean) / deviation, for each channel, in single precision.
  public func numbers(_ pixels: Pixels) -> [Float] {
    let fitted = fitted(pixels)
    let isUnit = scale == 1.0 / 255
    let tables = (0..<3).map { channel in
      (0...255).map { byte in
        let value = isUnit ? Float(byte) / 255 : Float(byte) * Float(scale)
        return (value - Float(mean[channel])) / Float(deviation[channel])
      }
    }
    return [Float](unsafeUninitializedCapacity: fitted.bytes.count) { target, count in
      count = fitted.bytes.count
      for index in 0..<count { target[index] = tables[index % 3][Int(fitted.bytes[index])] }
    }
  }
}

extension Pixels {
  /// The middle of a picture; black around one that is smaller.
  ///
  /// Where the rest is odd, halves go to the even neighbour, as torchvision cuts.
  func middle(width newWidth: Int, height newHeight: Int) -> Pixels {
    func start(_ length: Int, _ newLength: Int) -> Int {
      length >= newLength
        ? Int((Double(length - newLength) / 2).rounded(.toNearestOrEven))
        : -((newLength - length) / 2)
    }
    let (left, top) = (start(width, newWidth), start(height, newHeight))
    guard left != 0 || top != 0 || newWidth != width || newHeight != height else { return self }
    var cut = [UInt8](repeating: 0, count: newWidth * newHeight * channels)
    let columns = max(0, left)..<min(width, left + newWidth)
    for y in max(0, top)..<min(height, top + newHeight) {
      let source = (y * width + columns.lowerBound) * channels
      let target = ((y - top) * newWidth + columns.lowerBound - left) * channels
      let length = columns.count * channels
      cut.replaceSubrange(target..<target + length, with: bytes[source..<source + length])
    }
    return Pixels(width: newWidth, height: newHeight, channels: channels, bytes: cut)
  }
}
