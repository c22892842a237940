/// A picture: light values from 0 (black) to 1 (white), of shape [height, width, channels].
public struct Image: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// 1 for gray, 3 for red, green and blue.
  public let channels: Int
  /// Row after row, pixel after pixel, channel after channel.
  public let values: [Float]

  /// - Precondition: the picture is not empty, has 1 or 3 channels, and as many values as that
  ///   makes.
  public init(width: Int, height: Int, channels: Int, values: [Float]) {
    precondition(
      width > 0 && height > 0 && (channels == 1 || channels == 3)
        && values.count == width * height * channels,
      "Image: [\(height), \(width), \(channels)] does not hold \(values.count) values")
    (self.width, self.height, self.channels, self.values) = (width, height, channels, values)
  }

  /// The luma 0.299 red + 0.587 green + 0.114 blue.
  ///
  /// Source: ITU-R Recommendation BT.601; the weights of Pillow's mode "L".
  public func gray() -> Image {
    guard channels == 3 else { return self }
    var luma = [Float](repeating: 0, count: width * height)
    for pixel in luma.indices {
      let red: Float = 0.299 * values[3 * pixel]
      let green: Float = 0.587 * values[3 * pixel + 1]
      let blue: Float = 0.114 * values[3 * pixel + 2]
      luma[pixel] = min(1, red + green + blue)
    }
    return Image(width: width, height: height, channels: 1, values: luma)
  }

  /// Three channels, equal ones where the picture is gray.
  public func rgb() -> Image {
    guard channels == 1 else { return self }
    return Image(
      width: width, height: height, channels: 3,
      values: [Float](unsafeUninitializedCapacity: values.count * 3) { buffer, count in
        for index in 0..<values.count * 3 { buffer[index] = values[index / 3] }
        count = values.count * 3
      })
  }

  /// Dark where this picture is light.
  public func inverted() -> Image {
    Image(width: width, height: height, channels: channels, values: values.map { 1 - $0 })
  }

  /// This picture turned by `quarterTurns` times 90 degrees, against the clock as `numpy.rot90`.
  public func rotated(quarterTurns: Int) -> Image {
    let turns = quarterTurns & 3
    guard turns != 0 else { return self }
    let (newWidth, newHeight) = turns == 2 ? (width, height) : (height, width)
    var turned = values
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (fromX, fromY) =
          switch turns {
          case 1: (width - 1 - y, x)
          case 2: (width - 1 - x, height - 1 - y)
          default: (y, height - 1 - x)
          }
        for channel in 0..<channels {
          turned[(y * newWidth + x) * channels + channel] =
            values[(fromY * width + fromX) * channels + channel]
        }
      }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, values: turned)
  }

  /// This picture in another size, each axis on its own.
  ///
  /// An axis that shrinks takes the mean over what each new pixel covers, with fractions of the
  /// pixels at its edges (for whole ratios: Pillow's BOX, PyTorch's adaptive average); an axis that
  /// grows is interpolated linearly between the centres of pixels.
  ///
  /// - Complexity: O(width · height) for each axis that changes.
  public func resized(width newWidth: Int, height newHeight: Int) -> Image {
    precondition(
      newWidth > 0 && newHeight > 0, "Image.resized: [\(height), \(width)] to an empty picture")
    let wide = resampled(
      values, outer: height, length: width, to: newWidth, inner: channels)
    let tall = resampled(
      wide, outer: 1, length: height, to: newHeight, inner: newWidth * channels)
    // Rounded weights may add up to a little more than 1.
    return Image(
      width: newWidth, height: newHeight, channels: channels,
      values: tall.map { min(max($0, 0), 1) })
  }
}

/// `values` of shape [outer, length, inner] resampled to [outer, newLength, inner].
private func resampled(
  _ values: [Float], outer: Int, length: Int, to newLength: Int, inner: Int
) -> [Float] {
  guard newLength != length else { return values }
  let taps = (0..<newLength).map { Taps(of: $0, from: length, to: newLength) }
  var result = [Float](repeating: 0, count: outer * newLength * inner)
  result.withUnsafeMutableBufferPointer { result in
    values.withUnsafeBufferPointer { values in
      for block in 0..<outer {
        for (position, tap) in taps.enumerated() {
          let target = (block * newLength + position) * inner
          for (index, weight) in tap.weights.enumerated() {
            let source = (block * length + tap.first + index) * inner
            for offset in 0..<inner { result[target + offset] += weight * values[source + offset] }
          }
        }
      }
    }
  }
  return result
}

/// The neighbouring old pixels that a new pixel is made of.
private struct Taps {
  var first: Int
  var weights: [Float]

  init(of position: Int, from length: Int, to newLength: Int) {
    if newLength < length {
      // In units of 1 / newLength old pixels every edge is a whole number, so sums are exact.
      let (begin, end) = (position * length, (position + 1) * length)
      first = begin / newLength
      weights = (first..<(end + newLength - 1) / newLength).map { pixel in
        let covered = min(end, (pixel + 1) * newLength) - max(begin, pixel * newLength)
        return Float(Double(covered) / Double(length))
      }
    } else {
      let centre = (Double(position) + 0.5) * Double(length) / Double(newLength) - 0.5
      let clamped = min(max(centre, 0), Double(length - 1))
      first = min(Int(clamped), max(length - 2, 0))
      let fraction = Float(clamped - Double(first))
      weights = length == 1 ? [1] : [1 - fraction, fraction]
    }
  }
}
