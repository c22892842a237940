extension Picture {
  /// The picture turned as its orientation says, so that it stands upright; orientation 1 then.
  ///
  /// Source: CIPA DC-008 (EXIF 2.32), tag 274.
  /// - Complexity: O(width · height).
  public func upright() -> Picture {
    guard (2...8).contains(orientation) else { return self }
    let isTurned = orientation >= 5
    let turned: Samples =
      switch samples {
      case .bytes(let values): .bytes(rearranged(values))
      case .words(let values): .words(rearranged(values))
      }
    return Picture(
      width: isTurned ? height : width, height: isTurned ? width : height, layout: layout,
      samples: turned, maximum: maximum, mode: mode, palette: palette,
      paletteAlphas: paletteAlphas, transparent: transparent, roundsToBytes: roundsToBytes)
  }

  private func rearranged<T: BitwiseCopyable>(_ values: [T]) -> [T] {
    let channels = layout.channels
    let (newWidth, newHeight) = orientation >= 5 ? (height, width) : (width, height)
    // Where the first pixel comes from, and how far one step to the right and one down go there.
    let (right, down) = (width - 1, (height - 1) * width)
    let (start, across, along) =
      switch orientation {
      case 2: (right, -1, width)
      case 3: (right + down, -1, -width)
      case 4: (down, 1, -width)
      case 5: (0, width, 1)
      case 6: (down, -width, 1)
      case 7: (right + down, -width, -1)
      default: (right, width, -1)
      }
    return [T](unsafeUninitializedCapacity: values.count) { target, count in
      count = values.count
      values.withUnsafeBufferPointer { values in
        for y in 0..<newHeight {
          for x in 0..<newWidth {
            let from = (start + y * along + x * across) * channels
            let to = (y * newWidth + x) * channels
            for channel in 0..<channels { target[to + channel] = values[from + channel] }
          }
        }
      }
    }
  }
}
