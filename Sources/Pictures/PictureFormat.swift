import Settings

/// A kind of picture file.
public protocol PictureFormat: Sendable {
  /// As Pillow calls it: "JPEG", "PNG".
  var name: String { get }
  /// What file names of this format end in, in lower case and without the dot.
  var suffixes: [String] { get }
  /// Whether the bytes begin as such a file does; nothing else is looked at.
  func recognizes(_ bytes: [UInt8]) -> Bool
  /// Reads a file of this format; of several pictures in it, the first.
  ///
  /// - Parameter place: names the file in messages.
  /// - Throws: `Failure` for what is damaged, cut short, too large or of a kind that is not read.
  func read(
    _ bytes: [UInt8], options: PictureOptions, at place: String
  ) throws(Failure) -> Picture
}

/// How pictures are read.
public struct PictureOptions: Sendable, Equatable {
  /// JPEG pictures are decoded at a half, a quarter or an eighth of their size: 2, 4 or 8.
  ///
  /// Much faster for large photographs, and other pixels than decoding and resizing give.
  public var reduction = 1

  public init(reduction: Int = 1) {
    precondition([1, 2, 4, 8].contains(reduction), "PictureOptions: reduction \(reduction)")
    self.reduction = reduction
  }
}

/// What a header may claim.
enum PictureSize {
  /// The most pixels of a picture: more than any camera has. Pillow refuses the same.
  static let mostPixels = 178_956_970

  /// Refuses empty and enormous pictures, before any memory is taken.
  ///
  /// - Parameters:
  ///   - fileBytes: the bytes that hold the pixels.
  ///   - packing: how many pixels a byte can hold at the very best.
  ///   - free: how many pixels need no bytes at all.
  static func check(
    _ width: Int, _ height: Int, fileBytes: Int, packing: Int, free: Int = 1 << 20,
    at place: String
  ) throws(Failure) {
    guard width > 0, height > 0, width <= mostPixels, height <= mostPixels / width else {
      throw Failure(
        .badData, at: place, "\(width) x \(height) pixels", expected: "1 to \(mostPixels) in all")
    }
    if fileBytes < .max {
      // The samples, and what is made of them.
      try MemoryBudget.current.unpacking(fileBytes)
        .check([width, height], bytesEach: 5, for: "the pixels", at: place)
    }
    // Small pictures may be damaged in any way; large ones must have what could hold them.
    let pixels = width * height
    guard pixels <= free || pixels / packing <= fileBytes else {
      throw Failure(
        .badData, at: place, "\(width) x \(height) pixels in \(fileBytes) bytes",
        expected: "at least \(pixels / packing) bytes",
        remedy: "the picture is cut short or damaged")
    }
  }
}
