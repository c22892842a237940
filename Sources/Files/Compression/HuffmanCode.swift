/// A canonical Huffman code of deflate, as a table for its short words and a search for the rest.
struct HuffmanCode {
  static let longest = 15
  private static let tableBits = 9
  static let tableMask: UInt64 = 1 << 9 - 1

  /// For the next nine bits, `symbol << 4 | length`, or 0 where the word is longer or not used.
  private(set) var table = [UInt16](repeating: 0, count: 1 << HuffmanCode.tableBits)
  /// How many words have each length.
  private var counts = [UInt16](repeating: 0, count: HuffmanCode.longest + 1)
  /// The symbols in the order of their words.
  private var symbols: [UInt16] = []

  /// Builds the code from the length of each symbol's word, at most 15 and 0 for none.
  ///
  /// A complete code is required; with `mayBeIncomplete`, no word at all and one word of one bit
  /// are allowed too, as zlib does.
  init(lengths: ArraySlice<UInt8>, mayBeIncomplete: Bool) throws(InflateProblem) {
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    var free = 1
    for length in 1...HuffmanCode.longest {
      free = free * 2 - Int(counts[length])
      guard free >= 0 else { throw .codeLengths }
    }
    let isTiny = counts[2...].allSatisfy { $0 == 0 }
    guard free == 0 || (mayBeIncomplete && isTiny) else { throw .codeLengths }

    var starts = [Int](repeating: 0, count: HuffmanCode.longest + 2)
    var words = [Int](repeating: 0, count: HuffmanCode.longest + 2)
    for length in 1...HuffmanCode.longest {
      starts[length + 1] = starts[length] + Int(counts[length])
      words[length + 1] = (words[length] + Int(counts[length])) << 1
    }
    symbols = [UInt16](repeating: 0, count: starts[HuffmanCode.longest + 1])
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      symbols[starts[length]] = UInt16(symbol)
      starts[length] += 1
      let word = words[length]
      words[length] += 1
      guard length <= HuffmanCode.tableBits else { continue }
      // The stream gives the most significant bit of a word first.
      let reversed = Int(UInt16(word).reversedBits >> (16 - length))
      let entry = UInt16(symbol << 4 | length)
      for index in stride(from: reversed, to: table.count, by: 1 << length) {
        table[index] = entry
      }
    }
  }

  /// The symbol and the length of the word that the bits begin with, found length by length.
  func search(_ bits: UInt64) -> (symbol: Int, length: Int)? {
    var (bits, word, first, index) = (bits, 0, 0, 0)
    for length in 1...HuffmanCode.longest {
      word |= Int(bits & 1)
      bits >>= 1
      let count = Int(counts[length])
      if word - first < count { return (Int(symbols[index + word - first]), length) }
      index += count
      first = (first + count) << 1
      word <<= 1
    }
    return nil
  }

  static let fixedLiterals = fixed(
    [(8, 144), (9, 112), (7, 24), (8, 8)].flatMap { length, count in
      [UInt8](repeating: length, count: count)
    })
  static let fixedDistances = fixed([UInt8](repeating: 5, count: 32))

  private static func fixed(_ lengths: [UInt8]) -> HuffmanCode {
    guard let code = try? HuffmanCode(lengths: lengths[...], mayBeIncomplete: false) else {
      preconditionFailure("HuffmanCode: the fixed code of RFC 1951 is complete")
    }
    return code
  }
}

extension UInt16 {
  fileprivate var reversedBits: UInt16 {
    var value = self
    value = (value & 0x5555) << 1 | (value >> 1) & 0x5555
    value = (value & 0x3333) << 2 | (value >> 2) & 0x3333
    value = (value & 0x0F0F) << 4 | (value >> 4) & 0x0F0F
    return value.byteSwapped
  }
}
