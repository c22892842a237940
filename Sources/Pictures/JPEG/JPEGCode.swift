import Settings

/// The Huffman codes that a stream has defined so far.
struct JPEGCodes {
  /// The number of words of each length from 1 to 16, and their symbols in order.
  struct Definition {
    var counts: [UInt8]
    var symbols: [UInt8]
  }

  /// For direct coefficients and for the others; nil until they are defined.
  var direct = [Definition?](repeating: nil, count: 4)
  var alternating = [Definition?](repeating: nil, count: 4)

  mutating func define(
    _ data: UnsafeBufferPointer<UInt8>, _ reader: JPEGReader
  ) throws(Failure) {
    var offset = 0
    while offset < data.count {
      let (kind, index) = (data[offset] >> 4, Int(data[offset] & 15))
      guard kind <= 1, index < 4, data.count - offset >= 17 else {
        throw reader.failure("a damaged Huffman table")
      }
      let counts = Array(data[offset + 1..<offset + 17])
      let total = counts.reduce(0) { $0 + Int($1) }
      guard total <= 256, data.count - offset - 17 >= total else {
        throw reader.failure("a Huffman table of \(total) symbols", expected: "what fits it")
      }
      let symbols = Array(data[offset + 17..<offset + 17 + total])
      if kind == 0 {
        direct[index] = Definition(counts: counts, symbols: symbols)
      } else {
        alternating[index] = Definition(counts: counts, symbols: symbols)
      }
      offset += 17 + total
    }
  }

  /// The codes that motion JPEG leaves out of its pictures.
  ///
  /// Source: ITU-T T.81, annex K.3.
  static func usual(isDirect: Bool, index: Int) -> Definition? {
    guard index < 2 else { return nil }
    if isDirect {
      let counts: [UInt8] =
        index == 0
        ? [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
        : [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
      return Definition(counts: counts, symbols: Array(0...11))
    }
    let counts: [UInt8] =
      index == 0
      ? [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D]
      : [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77]
    // The symbols that come first; all others follow in the order of their numbers.
    let first: [UInt8] =
      index == 0
      ? [
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61,
        0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52,
        0xD1, 0xF0, 0x24, 0x33, 0x62, 0x72, 0x82,
      ]
      : [
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61,
        0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33,
        0x52, 0xF0, 0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1,
      ]
    let lawful = (0...15).flatMap { run in (1...10).map { UInt8(run << 4 | $0) } }
    return Definition(
      counts: counts, symbols: first + lawful.filter { !first.contains($0) })
  }
}

/// A Huffman code in the form that decoding wants.
///
/// A class because its tables are read by pointer in the innermost loop and end with it.
final class JPEGCode {
  /// The tables; valid as long as the code.
  let words: JPEGWords
  private let lookup: UnsafeMutablePointer<UInt32>
  private let largest: UnsafeMutablePointer<Int32>
  private let offsets: UnsafeMutablePointer<Int32>
  private let symbols: UnsafeMutablePointer<UInt8>

  /// - Returns: nil for a code that cannot be.
  init?(_ definition: JPEGCodes.Definition, isDirect: Bool) {
    symbols = .allocate(capacity: 256)
    symbols.initialize(repeating: 0, count: 256)
    symbols.update(from: definition.symbols, count: definition.symbols.count)
    lookup = .allocate(capacity: 1 << JPEGWords.lookupBits)
    lookup.initialize(repeating: 0, count: 1 << JPEGWords.lookupBits)
    largest = .allocate(capacity: 18)
    largest.initialize(repeating: -1, count: 18)
    offsets = .allocate(capacity: 18)
    offsets.initialize(repeating: 0, count: 18)
    words = JPEGWords(lookup: lookup, largest: largest, offsets: offsets, symbols: symbols)
    if isDirect, definition.symbols.contains(where: { $0 > 15 }) { return nil }
    var (word, place) = (0, 0)
    for length in 1...16 {
      let count = Int(definition.counts[length - 1])
      // No word may be all ones.
      guard count == 0 || word + count < 1 << length else { return nil }
      offsets[length] = Int32(place - word)
      for _ in 0..<count {
        if length <= JPEGWords.lookupBits { fill(word, length, symbols[place]) }
        word += 1
        place += 1
      }
      if count > 0 { largest[length] = Int32(word - 1) }
      word <<= 1
    }
    largest[17] = Int32.max
  }

  deinit {
    lookup.deallocate()
    largest.deallocate()
    offsets.deallocate()
    symbols.deallocate()
  }

  private func fill(_ word: Int, _ length: Int, _ symbol: UInt8) {
    let rest = JPEGWords.lookupBits - length
    let size = Int(symbol & 15)
    for tail in 0..<1 << rest {
      var entry = UInt32(length) | UInt32(symbol) << 8
      if size > 0, size <= rest {
        let value = JPEGBits.extended(Int32(tail >> (rest - size)), size)
        entry =
          UInt32(length + size) | 0x80 | UInt32(symbol) << 8
          | UInt32(UInt16(truncatingIfNeeded: value)) << 16
      }
      lookup[word << rest | tail] = entry
    }
  }
}

/// The tables of a Huffman code.
struct JPEGWords {
  static let lookupBits = 10

  /// For each beginning of ten bits: the length of the word in bits 0 to 6 and its symbol in bits 8
  /// to 15; or, with bit 7, the length of word and number together, the symbol, and the number in
  /// bits 16 to 31. Zero where the word is longer.
  let lookup: UnsafePointer<UInt32>
  /// The largest word of each length, -1 for none; one of 17 bits is always found.
  let largest: UnsafePointer<Int32>
  /// What is added to a word of each length to have the place of its symbol.
  let offsets: UnsafePointer<Int32>
  let symbols: UnsafePointer<UInt8>

  fileprivate init(
    lookup: UnsafeMutablePointer<UInt32>, largest: UnsafeMutablePointer<Int32>,
    offsets: UnsafeMutablePointer<Int32>, symbols: UnsafeMutablePointer<UInt8>
  ) {
    (self.lookup, self.largest) = (UnsafePointer(lookup), UnsafePointer(largest))
    (self.offsets, self.symbols) = (UnsafePointer(offsets), UnsafePointer(symbols))
  }

  /// The length and the symbol of a word that is longer than the lookup; one that is no word takes
  /// 17 bits and is symbol 0, as in libjpeg.
  func search(_ bits: UInt64) -> (length: Int, symbol: Int) {
    var length = JPEGWords.lookupBits + 1
    var word = Int32(truncatingIfNeeded: bits >> UInt64(64 - length))
    while word > largest[length] {
      length += 1
      word = Int32(truncatingIfNeeded: bits >> UInt64(64 - length))
    }
    guard length <= 16 else { return (17, 0) }
    return (length, Int(symbols[Int(word + offsets[length]) & 0xFF]))
  }
}
