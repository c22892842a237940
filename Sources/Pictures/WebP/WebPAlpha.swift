import Settings

extension WebPImage {
  /// Takes the opacity of a lossy picture from its own chunk.
  ///
  /// Source: *WebP Container Specification*, section "Alpha".
  mutating func setAlpha(_ data: ArraySlice<UInt8>, at place: String) throws(Failure) {
    guard let head = data.first else { throw damaged("no opacity", place) }
    var levels: [UInt8]
    switch head & 3 {
    case 0: levels = Array(data.dropFirst())
    case 1:
      let packed = try VP8L.pixels(data.dropFirst(), width: width, height: height, at: place)
      levels = packed.map { UInt8(truncatingIfNeeded: $0 >> 8) }
    default: throw damaged("opacity packed in way \(head & 3)", place)
    }
    guard levels.count >= width * height else {
      throw damaged("\(levels.count) bytes of opacity for \(width * height) pixels", place)
    }
    undoFilter(Int(head >> 2 & 3), &levels)
    for index in pixels.indices {
      pixels[index] = pixels[index] & 0xFF_FFFF | UInt32(levels[index]) << 24
    }
    hasAlpha = true
  }

  private func damaged(_ found: String, _ place: String) -> Failure {
    Failure(.badData, at: place, found, remedy: "the picture is cut short or damaged")
  }

  /// Adds what each level was predicted to be: as its left neighbour (1), its upper one (2), or by
  /// the gradient (3).
  private func undoFilter(_ filter: Int, _ levels: inout [UInt8]) {
    guard filter > 0 else { return }
    for y in 0..<height {
      for x in 0..<width {
        let place = y * width + x
        let prediction: UInt8
        if y == 0 {
          prediction = x == 0 ? 0 : levels[place - 1]
        } else if x == 0 {
          prediction = levels[place - width]
        } else {
          switch filter {
          case 1: prediction = levels[place - 1]
          case 2: prediction = levels[place - width]
          default:
            let sum = Int(levels[place - 1]) + Int(levels[place - width])
            prediction = UInt8(max(0, min(255, sum - Int(levels[place - width - 1]))))
          }
        }
        levels[place] &+= prediction
      }
    }
  }
}
