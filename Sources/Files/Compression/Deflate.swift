/// Packs bytes as a zlib stream of one block with the fixed codes.
///
/// Repetitions are looked for at the last place with the same three bytes only, which suits pictures
/// with flat areas and costs O(n).
/// Source: RFC 1950 and RFC 1951 (Deutsch, 1996).
public func deflated(_ bytes: [UInt8]) -> [UInt8] {
  var writer = BitWriter(bytes: [0x78, 0x01])
  writer.append(0b011, bits: 3)
  var lastPlaces = [Int32](repeating: -1, count: 1 << 15)
  var place = 0
  while place < bytes.count {
    var length = 0
    if place + 3 <= bytes.count {
      let key = hash(bytes, place)
      let candidate = Int(lastPlaces[key])
      lastPlaces[key] = Int32(truncatingIfNeeded: place)
      if candidate >= 0, place - candidate <= 32_768 {
        let most = min(258, bytes.count - place)
        while length < most, bytes[candidate + length] == bytes[place + length] { length += 1 }
        if length >= 3 { writer.appendMatch(length: length, distance: place - candidate) }
      }
    }
    if length < 3 {
      writer.appendSymbol(Int(bytes[place]))
      place += 1
    } else {
      place += length
    }
  }
  writer.appendSymbol(256)
  return writer.finished(adler32: adler32(bytes))
}

private func hash(_ bytes: [UInt8], _ place: Int) -> Int {
  let word = UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2])
  return Int((word &* 0x9E37_79B1) >> 17)
}

private func adler32(_ bytes: [UInt8]) -> UInt32 {
  var (a, b) = (UInt32(1), UInt32(0))
  for byte in bytes {
    a = (a + UInt32(byte)) % 65_521
    b = (b + a) % 65_521
  }
  return b << 16 | a
}

/// Bits from the lowest of each byte upwards.
private struct BitWriter {
  var bytes: [UInt8]
  private var pending: UInt32 = 0
  private var count = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func append(_ value: UInt32, bits: Int) {
    pending |= value << UInt32(count)
    count += bits
    while count >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: pending))
      pending >>= 8
      count -= 8
    }
  }

  /// A code word begins with its highest bit.
  private mutating func appendCode(_ code: UInt32, bits: Int) {
    var reversed: UInt32 = 0
    for i in 0..<UInt32(bits) { reversed |= (code >> i & 1) << (UInt32(bits) - 1 - i) }
    append(reversed, bits: bits)
  }

  /// A literal, the end of the block (256) or a length, by the fixed code.
  mutating func appendSymbol(_ symbol: Int) {
    let value = UInt32(symbol)
    switch symbol {
    case 0...143: appendCode(0x30 + value, bits: 8)
    case 144...255: appendCode(0x190 + value - 144, bits: 9)
    case 256...279: appendCode(value - 256, bits: 7)
    default: appendCode(0xC0 + value - 280, bits: 8)
    }
  }

  mutating func appendMatch(length: Int, distance: Int) {
    // 258 has a code of its own; other lengths and all distances come in groups of 2^extra, of
    // which there are 4 (lengths) or 2 (distances) for each count of extra bits above 0.
    if length == 258 {
      appendSymbol(285)
    } else {
      let offset = length - 3
      let extra = max(0, Int.bitWidth - offset.leadingZeroBitCount - 3)
      appendSymbol(257 + extra * 4 + offset >> extra)
      append(UInt32(offset & (1 << extra - 1)), bits: extra)
    }
    let offset = distance - 1
    let extra = max(0, Int.bitWidth - offset.leadingZeroBitCount - 2)
    appendCode(UInt32(extra * 2 + offset >> extra), bits: 5)
    append(UInt32(offset & (1 << extra - 1)), bits: extra)
  }

  mutating func finished(adler32: UInt32) -> [UInt8] {
    if count > 0 { append(0, bits: 8 - count) }
    for shift in [24, 16, 8, 0] as [UInt32] {
      bytes.append(UInt8(truncatingIfNeeded: adler32 >> shift))
    }
    return bytes
  }
}
