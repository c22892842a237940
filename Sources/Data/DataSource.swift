import Settings

/// Where the data of a recipe come from.
public protocol DataSource: Described {
  /// Reads or makes the data.
  ///
  /// - Parameter root: the folder of data sets that are not compiled in.
  func load(root: String) throws(Failure) -> DataSplit

  /// How the tones of a picture become the numbers of an item.
  var tone: PictureTone { get }

  /// How picture files are read.
  var reading: PictureReading { get }

  /// Whether a training class was made from another one, so that its label is nobody's mistake.
  func isMade(className: String) -> Bool
}

/// How the tones of a picture, from 0 (black) to 1 (white), become the numbers of an item.
public enum PictureTone: String, Sendable {
  case asIs = "as-is"
  case inverted
  /// Inverted if light prevails, so that ink is 1 and the ground 0.
  case inkIsOne = "ink-is-one"
}

extension DataSource {
  public var tone: PictureTone { .asIs }
  public var reading: PictureReading { PictureReading() }
  public func isMade(className: String) -> Bool { false }

  /// Makes an item of a picture, as the training items were made.
  ///
  /// - Parameters:
  ///   - shape: [height, width, channels] of the items.
  ///   - place: where the picture comes from, for messages.
  public func item(from image: Image, shape: [Int], at place: String) throws(Failure) -> [Float] {
    switch tone {
    case .asIs: try image.item(shape: shape, at: place).values
    case .inverted: try image.item(shape: shape, at: place).inverted().values
    case .inkIsOne: try image.inkIsOne().item(shape: shape, at: place).values
    }
  }
}

extension Image {
  /// This picture in the size and the channels of an item.
  func item(shape: [Int], at place: String) throws(Failure) -> Image {
    guard shape.count == 3, shape[2] == 1 || shape[2] == 3 else {
      throw Failure(
        .badData, at: place, "this is a picture", expected: "vectors of shape \(shape)",
        remedy: "give an .npy file")
    }
    return (shape[2] == 1 ? gray() : rgb()).resized(width: shape[1], height: shape[0])
  }

  /// This picture of dark ink on a light ground as ink = 1; one on a dark ground stays as it is.
  func inkIsOne() -> Image {
    let mean = values.reduce(0, +) / Float(max(1, values.count))
    return mean > 0.5 ? inverted() : self
  }
}
