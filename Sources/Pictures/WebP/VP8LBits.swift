/// The bits of a lossless picture, from the lowest of each byte.
struct VP8LBits {
  private let bytes: UnsafePointer<UInt8>?
  private let count: Int
  private var position = 0
  private var buffer: UInt64 = 0
  private var ready = 0
  /// Whether more bits were taken than there are; those are 0.
  private(set) var isShort = false

  /// - Parameter bytes: must outlive the reader.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    (self.bytes, count) = (bytes.baseAddress, bytes.count)
  }

  /// Makes at least 48 bits ready, zeros at the end.
  @inline(__always)
  mutating func refill() {
    guard ready < 48 else { return }
    while ready <= 56, position < count {
      buffer |= UInt64(bytes.unsafelyUnwrapped[position]) &<< UInt64(ready)
      position &+= 1
      ready &+= 8
    }
  }

  @inline(__always)
  mutating func drop(_ length: Int) {
    if length > ready {
      isShort = true
      (buffer, ready) = (0, 0)
      return
    }
    buffer &>>= UInt64(length)
    ready &-= length
  }

  /// The next 0 to 24 bits.
  @inline(__always)
  mutating func take(_ length: Int) -> Int {
    refill()
    let value = Int(buffer & (1 &<< UInt64(length) &- 1))
    drop(length)
    return value
  }

  /// The next bits, as many as are ready.
  var next: UInt64 {
    @inline(__always) get { buffer }
  }
}

/// A canonical Huffman code of lossless WebP, whose words come from their first bit.
struct VP8LCode {
  private static let lookupBits = 8
  static let longest = 15

  /// `symbol << 4 | length` of the word that each eight bits begin with; 15 where it is longer.
  private let lookup: [UInt32]
  private let counts: [Int]
  private let symbols: [UInt16]
  /// The symbol of a code that has only this one, whose word has no bits.
  private let only: Int?

  /// - Returns: nil for lengths that make no code.
  init?(lengths: [UInt8]) {
    var counts = [Int](repeating: 0, count: VP8LCode.longest + 1)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    let used = counts.reduce(0, +)
    guard used > 0 else { return nil }
    self.counts = counts
    if used == 1 {
      only = lengths.firstIndex { $0 > 0 }
      (lookup, symbols) = ([], [])
      return
    }
    only = nil
    var free = 1
    for length in 1...VP8LCode.longest {
      free = 2 * free - counts[length]
      guard free >= 0 else { return nil }
    }
    guard free == 0 else { return nil }
    var (starts, words) = ([0, 0], [0, 0])
    for length in 1...VP8LCode.longest {
      starts.append(starts[length] + counts[length])
      words.append((words[length] + counts[length]) << 1)
    }
    var symbols = [UInt16](repeating: 0, count: used)
    var lookup = [UInt32](repeating: 15, count: 1 << VP8LCode.lookupBits)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      symbols[starts[length]] = UInt16(symbol)
      starts[length] += 1
      var (word, reversed) = (words[length], 0)
      words[length] += 1
      guard length <= VP8LCode.lookupBits else { continue }
      for _ in 0..<length {
        reversed = reversed << 1 | word & 1
        word >>= 1
      }
      for index in stride(from: reversed, to: lookup.count, by: 1 << length) {
        lookup[index] = UInt32(symbol << 4 | length)
      }
    }
    (self.symbols, self.lookup) = (symbols, lookup)
  }

  /// The next symbol.
  @inline(__always)
  func symbol(_ bits: inout VP8LBits) -> Int {
    if let only { return only }
    bits.refill()
    let entry = lookup[Int(truncatingIfNeeded: bits.next & 0xFF)]
    if entry & 15 != 15 {
      bits.drop(Int(entry & 15))
      return Int(entry &>> 4)
    }
    return search(&bits)
  }

  private func search(_ bits: inout VP8LBits) -> Int {
    var (rest, word, first, index) = (bits.next, 0, 0, 0)
    for length in 1...VP8LCode.longest {
      word |= Int(rest & 1)
      rest >>= 1
      if word - first < counts[length] {
        bits.drop(length)
        return Int(symbols[index + word - first])
      }
      index += counts[length]
      first = (first + counts[length]) << 1
      word <<= 1
    }
    // A complete code has a word for every fifteen bits.
    bits.drop(VP8LCode.longest)
    return 0
  }
}
