/// What can be wrong with a deflate stream.
enum InflateProblem: String, Error {
  case truncated = "the packed data end too soon"
  case blockType = "a block of unknown type"
  case storedLength = "the length of a stored block is wrong"
  case codeLengths = "a Huffman code is impossible"
  case symbol = "a symbol outside its Huffman code"
  case distance = "a copy from before the first byte"
  case limit = "too much output"
}

/// Output that grows as it is needed, with room for one copy of the longest length at its end.
struct InflateOutput {
  static let longestCopy = 258
  let limit: Int
  fileprivate var bytes: [UInt8]
  fileprivate var used = 0

  init(limit: Int, guess: Int) {
    self.limit = min(max(limit, 0), Int.max / 4)
    bytes = [UInt8](
      repeating: 0, count: min(self.limit, max(guess, 256)) + InflateOutput.longestCopy)
  }

  fileprivate mutating func grow(by extra: Int = 0) {
    let count = min(max(bytes.count * 2, used + extra), limit) + InflateOutput.longestCopy
    if count > bytes.count {
      bytes.append(contentsOf: repeatElement(0, count: count - bytes.count))
    }
  }

  consuming func finished() -> [UInt8] {
    bytes.removeLast(bytes.count - used)
    return bytes
  }
}

/// Reads one deflate stream, bit by bit from the least significant.
struct InflateStream {
  private let input: UnsafeRawBufferPointer
  private var position = 0
  /// Bits that are read but not used; those above `count` are either zero or bits to come.
  private var bits: UInt64 = 0
  private var count = 0

  init(_ input: UnsafeRawBufferPointer) { self.input = input }

  /// The whole bytes used so far.
  var consumed: Int { position - count / 8 }

  /// Unpacks up to the end of the last block; nil when all is well.
  mutating func inflate(into output: inout InflateOutput) -> InflateProblem? {
    do throws(InflateProblem) {
      var isLast = false
      repeat {
        isLast = try take(1) == 1
        switch try take(2) {
        case 0: try copyStored(into: &output)
        case 1: try unpack(HuffmanCode.fixedLiterals, HuffmanCode.fixedDistances, into: &output)
        case 2:
          let (literals, distances) = try readCodes()
          try unpack(literals, distances, into: &output)
        default: throw .blockType
        }
      } while !isLast
      return nil
    } catch {
      return error
    }
  }

  /// Makes at least 56 bits ready unless the input ends before.
  @inline(__always)
  private mutating func refill() {
    if input.count - position >= 8 {
      let word = UInt64(
        littleEndian: input.loadUnaligned(fromByteOffset: position, as: UInt64.self))
      bits |= word << UInt64(count)
      let taken = (63 - count) >> 3
      position += taken
      count += taken * 8
    } else {
      while count <= 56, position < input.count {
        bits |= UInt64(input[position]) << UInt64(count)
        position += 1
        count += 8
      }
    }
  }

  @inline(__always)
  private mutating func drop(_ length: Int) throws(InflateProblem) {
    guard length <= count else { throw .truncated }
    bits >>= UInt64(length)
    count -= length
  }

  /// The next `length` bits, of those that are ready.
  @inline(__always)
  private mutating func takeReady(_ length: Int) throws(InflateProblem) -> Int {
    let value = Int(bits & (1 << UInt64(length) - 1))
    try drop(length)
    return value
  }

  private mutating func take(_ length: Int) throws(InflateProblem) -> Int {
    if count < length { refill() }
    return try takeReady(length)
  }

  private mutating func copyStored(into output: inout InflateOutput) throws(InflateProblem) {
    position -= count / 8
    (bits, count) = (0, 0)
    guard input.count - position >= 4 else { throw .truncated }
    let length = Int(input[position]) | Int(input[position + 1]) << 8
    let complement = Int(input[position + 2]) | Int(input[position + 3]) << 8
    position += 4
    guard length ^ complement == 0xFFFF else { throw .storedLength }
    guard input.count - position >= length else { throw .truncated }
    guard output.limit - output.used >= length else { throw .limit }
    if output.bytes.count - output.used < length { output.grow(by: length) }
    output.bytes.replaceSubrange(
      output.used..<output.used + length, with: input[position..<position + length])
    output.used += length
    position += length
  }

  /// Reads the two Huffman codes that a dynamic block begins with.
  private mutating func readCodes() throws(InflateProblem) -> (HuffmanCode, HuffmanCode) {
    let literals = try take(5) + 257
    let distances = try take(5) + 1
    let lengthCodes = try take(4) + 4
    guard literals <= 286, distances <= 30 else { throw .codeLengths }
    var lengths = [UInt8](repeating: 0, count: 19)
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    for symbol in order.prefix(lengthCodes) { lengths[symbol] = UInt8(try take(3)) }
    let code = try HuffmanCode(lengths: lengths[...], mayBeIncomplete: false)

    lengths.removeAll(keepingCapacity: true)
    while lengths.count < literals + distances {
      refill()
      let symbol = try decode(code)
      let (value, repeats): (UInt8, Int)
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw .codeLengths }
        (value, repeats) = (last, 3 + (try takeReady(2)))
      case 17: (value, repeats) = (0, 3 + (try takeReady(3)))
      case 18: (value, repeats) = (0, 11 + (try takeReady(7)))
      default: (value, repeats) = (UInt8(symbol), 1)
      }
      lengths.append(contentsOf: repeatElement(value, count: repeats))
    }
    // Symbol 256 ends the block, so a code without it has no end.
    guard lengths.count == literals + distances, lengths[256] != 0 else { throw .codeLengths }
    return (
      try HuffmanCode(lengths: lengths[..<literals], mayBeIncomplete: true),
      try HuffmanCode(lengths: lengths[literals...], mayBeIncomplete: true)
    )
  }

  @inline(__always)
  private mutating func decode(_ code: borrowing HuffmanCode) throws(InflateProblem) -> Int {
    let entry = code.table[Int(bits & HuffmanCode.tableMask)]
    if entry != 0 {
      try drop(Int(entry & 15))
      return Int(entry >> 4)
    }
    guard let (symbol, length) = code.search(bits) else {
      throw count < HuffmanCode.longest ? .truncated : .symbol
    }
    try drop(length)
    return symbol
  }

  private mutating func unpack(
    _ literals: HuffmanCode, _ distances: HuffmanCode, into output: inout InflateOutput
  ) throws(InflateProblem) {
    while true {
      let isEnd = try unpackWhileRoom(
        literals, distances, &output.bytes, &output.used, output.limit)
      guard output.used <= output.limit else { throw .limit }
      if isEnd { return }
      output.grow()
    }
  }

  /// Unpacks symbols until the block ends (true) or the room or the limit does (false).
  private mutating func unpackWhileRoom(
    _ literals: HuffmanCode, _ distances: HuffmanCode, _ bytes: inout [UInt8],
    _ used: inout Int, _ limit: Int
  ) throws(InflateProblem) -> Bool {
    let last = min(limit, bytes.count - InflateOutput.longestCopy)
    while used <= last {
      refill()
      let symbol = try decode(literals)
      if symbol < 256 {
        bytes[used] = UInt8(truncatingIfNeeded: symbol)
        used += 1
        continue
      }
      if symbol == 256 { return true }
      guard symbol < 286 else { throw .symbol }
      let (lengthBase, lengthExtra) = lengthTable[symbol - 257]
      let length = Int(lengthBase) + (try takeReady(Int(lengthExtra)))
      let distanceSymbol = try decode(distances)
      guard distanceSymbol < 30 else { throw .symbol }
      let (distanceBase, distanceExtra) = distanceTable[distanceSymbol]
      let distance = Int(distanceBase) + (try takeReady(Int(distanceExtra)))
      guard distance <= used else { throw .distance }
      // A copy may run into itself: that is how runs are packed.
      for index in used..<used + length { bytes[index] = bytes[index - distance] }
      used += length
    }
    return false
  }
}

/// The shortest length of each symbol from 257, and how many bits add to it.
private let lengthTable: [(UInt16, UInt8)] =
  extraBitRanges(from: 3, extraBits: (0..<28).map { $0 < 8 ? 0 : $0 / 4 - 1 }) + [(258, 0)]

/// The shortest distance of each symbol, and how many bits add to it.
private let distanceTable: [(UInt16, UInt8)] =
  extraBitRanges(from: 1, extraBits: (0..<30).map { $0 < 4 ? 0 : $0 / 2 - 1 })

private func extraBitRanges(from first: Int, extraBits: [Int]) -> [(UInt16, UInt8)] {
  var next = first
  return extraBits.map { bits in
    defer { next += 1 << bits }
    return (UInt16(next), UInt8(bits))
  }
}
