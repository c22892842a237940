/// Decodes a key frame, macroblock by macroblock of 16 × 16 pixels.
struct VP8Frame {
  /// How a macroblock was coded.
  struct Macroblock {
    var segment = 0
    /// Whether each 4 × 4 block of luma has a mode of its own.
    var isSmall = false
    /// The modes of the 16 blocks of luma, or one for all.
    var modes = [UInt8](repeating: 0, count: 16)
    var chromaMode: UInt8 = 0
    var isSkipped = false
    /// Whether edges within it are smoothed too.
    var hasInnerEdges = false
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private let header: VP8Header
  private var modeBits: VP8Bits
  private var parts: [VP8Bits] = []
  private let across, down: Int

  /// - Returns: nil if the parts lie behind the end.
  init?(_ bytes: UnsafeBufferPointer<UInt8>, width: Int, height: Int, firstPart: Range<Int>) {
    self.bytes = bytes
    (across, down) = ((width + 15) / 16, (height + 15) / 16)
    modeBits = VP8Bits(bytes, firstPart)
    header = VP8Header(&modeBits)
    guard !modeBits.isShort else { return nil }
    // The sizes of all parts but the last.
    let sizes = firstPart.upperBound
    var start = sizes + 3 * (header.partCount - 1)
    guard start < bytes.count else { return nil }
    for index in 0..<header.partCount {
      var size = bytes.count - start
      if index < header.partCount - 1 {
        let place = sizes + 3 * index
        size = min(
          size, Int(bytes[place]) | Int(bytes[place + 1]) << 8 | Int(bytes[place + 2]) << 16)
      }
      parts.append(VP8Bits(bytes, start..<start + size))
      start += size
    }
  }

  /// All planes, smoothed; nil if the data end too soon.
  mutating func planes() -> VP8Planes? {
    let planes = VP8Planes(across: across, down: down)
    var blocks = [Macroblock](repeating: Macroblock(), count: across * down)
    var modes = VP8Modes(across: across)
    var residue = VP8Residue(header, across: across)
    var coefficients = [Int16](repeating: 0, count: 25 * 16)
    let predictor = VP8Predictor(planes)
    for row in 0..<down {
      modes.startRow()
      residue.startRow()
      let part = row & (header.partCount - 1)
      for column in 0..<across {
        modes.read(&blocks[row * across + column], column: column, header, &modeBits)
      }
      guard !modeBits.isShort else { return nil }
      for column in 0..<across {
        let index = row * across + column
        if blocks[index].isSkipped {
          residue.skip(column: column, isSmall: blocks[index].isSmall)
          for place in coefficients.indices { coefficients[place] = 0 }
        } else {
          let hasAny = residue.read(
            &coefficients, column: column, isSmall: blocks[index].isSmall,
            header.quantizers[blocks[index].segment], &parts[part])
          blocks[index].isSkipped = !hasAny
        }
        guard !parts[part].isShort else { return nil }
        blocks[index].hasInnerEdges = blocks[index].isSmall || !blocks[index].isSkipped
        predictor.reconstruct(blocks[index], coefficients, column: column, row: row)
      }
    }
    VP8Filter(header, planes).smooth(blocks)
    return planes
  }
}

/// Reads the modes of macroblocks.
struct VP8Modes {
  /// The modes of the blocks above, and of those to the left.
  private var above: [UInt8]
  private var left = [UInt8](repeating: 0, count: 4)

  init(across: Int) { above = [UInt8](repeating: 0, count: 4 * across) }

  mutating func startRow() { left = [0, 0, 0, 0] }

  mutating func read(
    _ block: inout VP8Frame.Macroblock, column: Int, _ header: VP8Header, _ bits: inout VP8Bits
  ) {
    if header.updatesMap {
      let p = header.segmentProbabilities
      block.segment = !bits.bit(p[0]) ? bits.number(p[1]) : 2 + bits.number(p[2])
    }
    block.isSkipped = header.skip.map { bits.bit($0) } ?? false
    block.isSmall = !bits.bit(145)
    if block.isSmall {
      for y in 0..<4 {
        for x in 0..<4 {
          let start = (Int(above[4 * column + x]) * 10 + Int(left[y])) * 9
          let mode = VP8Modes.smallMode(start, &bits)
          block.modes[4 * y + x] = mode
          above[4 * column + x] = mode
          left[y] = mode
        }
      }
    } else {
      let mode: VP8Mode =
        bits.bit(156)
        ? (bits.bit(128) ? .gradient : .horizontal) : bits.bit(163) ? .vertical : .mean
      block.modes[0] = mode.rawValue
      for index in 0..<4 {
        above[4 * column + index] = mode.rawValue
        left[index] = mode.rawValue
      }
    }
    let chroma: VP8Mode =
      !bits.bit(142)
      ? .mean : !bits.bit(114) ? .vertical : bits.bit(183) ? .gradient : .horizontal
    block.chromaMode = chroma.rawValue
  }

  /// - Parameter start: where the nine probabilities begin.
  private static func smallMode(_ start: Int, _ bits: inout VP8Bits) -> UInt8 {
    func next(_ index: Int) -> Bool { bits.bit(VP8Tables.modes[start + index]) }
    let mode: VP8Mode
    if !next(0) {
      mode = .mean
    } else if !next(1) {
      mode = .gradient
    } else if !next(2) {
      mode = .vertical
    } else if !next(3) {
      mode = !next(4) ? .horizontal : !next(5) ? .rightDown : .verticalRight
    } else if !next(6) {
      mode = .leftDown
    } else if !next(7) {
      mode = .verticalLeft
    } else {
      mode = !next(8) ? .horizontalDown : .horizontalUp
    }
    return mode.rawValue
  }
}

/// How pixels are foretold from those above and to the left.
enum VP8Mode: UInt8 {
  case mean, gradient, vertical, horizontal
  case rightDown, verticalRight, leftDown, verticalLeft, horizontalDown, horizontalUp
}
