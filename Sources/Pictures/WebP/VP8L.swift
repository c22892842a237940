import Settings

/// Lossless WebP.
///
/// Source: *Specification for WebP Lossless Bitstream* (Google, 2023).
enum VP8L {
  /// The best that a byte can do: runs of 4096 pixels, a few bits each.
  static let packing = 1 << 16
  /// A picture of one colour takes no bits at all, so this many pixels are believed.
  static let free = 1 << 25

  static func read(_ data: ArraySlice<UInt8>, at place: String) throws(Failure) -> WebPImage {
    guard data.count >= 5, data[data.startIndex] == 0x2F else {
      throw damaged("the lossless picture does not begin as one", place)
    }
    let start = data.startIndex
    let word = data[start + 1..<start + 5].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let (width, height) = (Int(word & 0x3FFF) + 1, Int(word >> 14 & 0x3FFF) + 1)
    guard word >> 29 == 0 else { throw damaged("version \(word >> 29)", place) }
    let hasAlpha = word >> 28 & 1 == 1
    var pixels = try pixels(data.dropFirst(5), width: width, height: height, at: place)
    if !hasAlpha { for index in pixels.indices { pixels[index] |= 0xFF00_0000 } }
    return WebPImage(
      width: width, height: height, pixels: pixels, hasAlpha: hasAlpha, fileBytes: data.count)
  }

  /// The pixels of a stream without its header.
  static func pixels(
    _ data: ArraySlice<UInt8>, width: Int, height: Int, at place: String
  ) throws(Failure) -> [UInt32] {
    try PictureSize.check(
      width, height, fileBytes: data.count, packing: packing, free: free, at: place)
    let decoded: [UInt32]? = data.withUnsafeBufferPointer { buffer in
      var reader = VP8LReader(buffer)
      return reader.picture(width: width, height: height)
    }
    guard let decoded else { throw damaged("the lossless picture makes no sense", place) }
    return decoded
  }

  private static func damaged(_ found: String, _ place: String) -> Failure {
    Failure(.badData, at: place, found, remedy: "the picture is cut short or damaged")
  }
}

/// Reads a lossless stream; every function returns nil for one that makes no sense.
private struct VP8LReader {
  private var bits: VP8LBits

  init(_ buffer: UnsafeBufferPointer<UInt8>) { bits = VP8LBits(buffer) }

  mutating func picture(width: Int, height: Int) -> [UInt32]? {
    var transforms: [VP8LTransform] = []
    var codedWidth = width
    while bits.take(1) == 1 {
      guard let transform = transform(width: codedWidth, height: height),
        !transforms.contains(where: { $0.kind == transform.kind })
      else { return nil }
      transforms.append(transform)
      codedWidth = transform.codedWidth
    }
    guard var pixels = image(width: codedWidth, height: height, isWhole: true) else { return nil }
    for transform in transforms.reversed() {
      pixels = transform.undone(pixels, height: height)
    }
    return pixels
  }

  private mutating func transform(width: Int, height: Int) -> VP8LTransform? {
    let kind = VP8LTransform.Kind(rawValue: bits.take(2))
    switch kind {
    case .prediction, .crossColour:
      let size = bits.take(3) + 2
      let (across, down) = (VP8L.parts(width, size), VP8L.parts(height, size))
      guard let data = image(width: across, height: down, isWhole: false), let kind else {
        return nil
      }
      return VP8LTransform(kind: kind, width: width, codedWidth: width, bits: size, data: data)
    case .indices:
      let count = bits.take(8) + 1
      guard var table = image(width: count, height: 1, isWhole: false) else { return nil }
      // Each colour is told relative to the last.
      for index in table.indices.dropFirst() {
        table[index] = VP8LTransform.sum(table[index], table[index - 1])
      }
      let packing = count > 16 ? 0 : count > 4 ? 1 : count > 2 ? 2 : 3
      return VP8LTransform(
        kind: .indices, width: width, codedWidth: VP8L.parts(width, packing), bits: packing,
        data: table)
    case .subtractedGreen, nil:
      return VP8LTransform(
        kind: .subtractedGreen, width: width, codedWidth: width, bits: 0, data: [])
    }
  }

  /// Reads an image: the picture itself, or one of the small ones that tell how it is coded.
  private mutating func image(width: Int, height: Int, isWhole: Bool) -> [UInt32]? {
    var cacheBits = 0
    if bits.take(1) == 1 {
      cacheBits = bits.take(4)
      guard (1...11).contains(cacheBits) else { return nil }
    }
    // Which group of codes each square of the picture uses.
    var (squareBits, squares) = (0, [Int]())
    var groupCount = 1
    if isWhole, bits.take(1) == 1 {
      squareBits = bits.take(3) + 2
      let (across, down) = (VP8L.parts(width, squareBits), VP8L.parts(height, squareBits))
      guard let groups = image(width: across, height: down, isWhole: false) else { return nil }
      squares = groups.map { Int($0 >> 8 & 0xFFFF) }
      // Groups that no square uses are read and forgotten.
      groupCount = (squares.max() ?? 0) + 1
    }
    let used = Set(squares)
    var groups: [[VP8LCode]] = []
    for index in 0..<groupCount {
      guard let group = codes(cacheSize: cacheBits > 0 ? 1 << cacheBits : 0) else { return nil }
      groups.append(squares.isEmpty || used.contains(index) ? group : [])
    }
    return pixels(
      width: width, height: height, groups: groups, squareBits: squareBits, squares: squares,
      cacheBits: cacheBits)
  }

  /// The five codes of a group: green with lengths and the cache, red, blue, opacity, distances.
  private mutating func codes(cacheSize: Int) -> [VP8LCode]? {
    var codes: [VP8LCode] = []
    for size in [256 + 24 + cacheSize, 256, 256, 256, 40] {
      guard let lengths = lengths(count: size), let code = VP8LCode(lengths: lengths) else {
        return nil
      }
      codes.append(code)
    }
    return codes
  }

  private mutating func lengths(count: Int) -> [UInt8]? {
    guard !bits.isShort else { return nil }
    var lengths = [UInt8](repeating: 0, count: count)
    if bits.take(1) == 1 {
      // One or two symbols.
      let symbols = bits.take(1) + 1
      for index in 0..<symbols {
        let symbol = bits.take(index > 0 || bits.take(1) == 1 ? 8 : 1)
        if symbol < count { lengths[symbol] = 1 }
      }
      return lengths
    }
    var outer = [UInt8](repeating: 0, count: 19)
    let order = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    for symbol in order.prefix(4 + bits.take(4)) { outer[symbol] = UInt8(bits.take(3)) }
    guard let code = VP8LCode(lengths: outer) else { return nil }
    var left = count
    if bits.take(1) == 1 {
      let size = 2 + 2 * bits.take(3)
      left = 2 + bits.take(size)
      guard left <= count else { return nil }
    }
    var (place, last) = (0, UInt8(8))
    while place < count, left > 0 {
      left -= 1
      let symbol = code.symbol(&bits)
      if symbol < 16 {
        lengths[place] = UInt8(symbol)
        if symbol > 0 { last = UInt8(symbol) }
        place += 1
        continue
      }
      let run =
        symbol == 16 ? 3 + bits.take(2) : symbol == 17 ? 3 + bits.take(3) : 11 + bits.take(7)
      guard place + run <= count else { return nil }
      for index in place..<place + run { lengths[index] = symbol == 16 ? last : 0 }
      place += run
    }
    return lengths
  }

  private mutating func pixels(
    width: Int, height: Int, groups: [[VP8LCode]], squareBits: Int, squares: [Int], cacheBits: Int
  ) -> [UInt32]? {
    let count = width * height
    var cache = [UInt32](repeating: 0, count: cacheBits > 0 ? 1 << cacheBits : 0)
    let shift = UInt32(32 - cacheBits)
    let squaresAcross = VP8L.parts(width, squareBits)
    var (place, x, y) = (0, 0, 0)
    var pixels = [UInt32](repeating: 0, count: count)
    // A square has one group; the picture without squares has one too.
    var group = groups[squares.first ?? 0]
    let isDone = pixels.withUnsafeMutableBufferPointer { pixels -> Bool in
      func remember(_ pixel: UInt32) {
        if cacheBits > 0 { cache[Int((pixel &* 0x1E35_A7BD) >> shift)] = pixel }
      }
      while place < count {
        guard !bits.isShort else { return false }
        if !squares.isEmpty, x & (1 << squareBits - 1) == 0 {
          group = groups[squares[(y >> squareBits) * squaresAcross + x >> squareBits]]
        }
        let symbol = group[0].symbol(&bits)
        if symbol >= 256, symbol < 280 {
          let length = number(symbol - 256)
          let distance = VP8L.distance(number(group[4].symbol(&bits)), width: width)
          guard distance <= place, length <= count - place else { return false }
          for _ in 0..<length {
            pixels[place] = pixels[place - distance]
            remember(pixels[place])
            place += 1
          }
          x += length
          while x >= width {
            x -= width
            y += 1
          }
          // The next pixel may lie inside another square.
          if !squares.isEmpty, place < count {
            group = groups[squares[(y >> squareBits) * squaresAcross + x >> squareBits]]
          }
          continue
        }
        if symbol < 256 {
          let red = group[1].symbol(&bits)
          let blue = group[2].symbol(&bits)
          let alpha = group[3].symbol(&bits)
          pixels[place] = UInt32(alpha << 24 | red << 16 | symbol << 8 | blue)
        } else {
          pixels[place] = cache[symbol - 280]
        }
        remember(pixels[place])
        place += 1
        x += 1
        if x == width { (x, y) = (0, y + 1) }
      }
      return true
    }
    return isDone && !bits.isShort ? pixels : nil
  }

  /// A length or distance: its symbol tells the highest bits, the others follow.
  private mutating func number(_ symbol: Int) -> Int {
    if symbol < 4 { return symbol + 1 }
    let extra = (symbol - 2) >> 1
    return (2 + symbol & 1) << extra + bits.take(extra) + 1
  }
}

extension VP8L {
  /// How many squares of 2^`bits` pixels an edge has.
  fileprivate static func parts(_ length: Int, _ bits: Int) -> Int {
    (length + 1 << bits - 1) >> bits
  }

  /// How far back a code of a distance points: the first 120 are pixels nearby.
  fileprivate static func distance(_ code: Int, width: Int) -> Int {
    guard code <= 120 else { return code - 120 }
    let place = Int(nearby[code - 1])
    return max(1, (place >> 4) * width + 8 - place & 15)
  }

  /// Rows up in the high four bits, and 8 less the columns to the left in the low ones.
  private static let nearby: [UInt8] = [
    0x18, 0x07, 0x17, 0x19, 0x28, 0x06, 0x27, 0x29, 0x16, 0x1A, 0x26, 0x2A,
    0x38, 0x05, 0x37, 0x39, 0x15, 0x1B, 0x36, 0x3A, 0x25, 0x2B, 0x48, 0x04,
    0x47, 0x49, 0x14, 0x1C, 0x35, 0x3B, 0x46, 0x4A, 0x24, 0x2C, 0x58, 0x45,
    0x4B, 0x34, 0x3C, 0x03, 0x57, 0x59, 0x13, 0x1D, 0x56, 0x5A, 0x23, 0x2D,
    0x44, 0x4C, 0x55, 0x5B, 0x33, 0x3D, 0x68, 0x02, 0x67, 0x69, 0x12, 0x1E,
    0x66, 0x6A, 0x22, 0x2E, 0x54, 0x5C, 0x43, 0x4D, 0x65, 0x6B, 0x32, 0x3E,
    0x78, 0x01, 0x77, 0x79, 0x53, 0x5D, 0x11, 0x1F, 0x64, 0x6C, 0x42, 0x4E,
    0x76, 0x7A, 0x21, 0x2F, 0x75, 0x7B, 0x31, 0x3F, 0x63, 0x6D, 0x52, 0x5E,
    0x00, 0x74, 0x7C, 0x41, 0x4F, 0x10, 0x20, 0x62, 0x6E, 0x30, 0x73, 0x7D,
    0x51, 0x5F, 0x40, 0x72, 0x7E, 0x61, 0x6F, 0x50, 0x71, 0x7F, 0x60, 0x70,
  ]
}
