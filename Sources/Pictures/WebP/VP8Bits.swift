/// The arithmetic decoder of lossy WebP: one bit at a time, each with its probability.
///
/// Source: RFC 6386, section 7.
struct VP8Bits {
  private let bytes: UnsafePointer<UInt8>?
  private let end: Int
  private var position: Int
  private var value: UInt64 = 0
  /// The range less one, 127 to 254.
  private var range: UInt32 = 254
  /// How many bits of `value` lie behind the byte that is compared; negative when some are needed.
  private var ready = -8
  /// Whether more bytes were needed than there are; those are 0.
  private(set) var isShort = false

  /// - Parameter bytes: must outlive the decoder.
  init(_ bytes: UnsafeBufferPointer<UInt8>, _ part: Range<Int>) {
    (self.bytes, position, end) = (bytes.baseAddress, part.lowerBound, part.upperBound)
  }

  @inline(never)
  private mutating func load() {
    if end - position >= 8 {
      let word = UInt64(
        bigEndian: UnsafeRawPointer(bytes.unsafelyUnwrapped + position)
          .loadUnaligned(as: UInt64.self))
      value = value << 40 | word >> 24
      position += 5
      ready += 40
    } else if position < end {
      value = value << 8 | UInt64(bytes.unsafelyUnwrapped[position])
      position += 1
      ready += 8
    } else {
      value <<= 8
      ready += 8
      isShort = true
    }
  }

  /// The next bit, which is 0 with a probability of `probability` / 256.
  @inline(__always)
  mutating func bit(_ probability: UInt8) -> Bool {
    if ready < 0 { load() }
    let split = (range &* UInt32(probability)) &>> 8
    let isOne = UInt32(truncatingIfNeeded: value &>> UInt64(ready)) > split
    if isOne {
      range = range &- split
      value = value &- UInt64(split &+ 1) &<< UInt64(ready)
    } else {
      range = split &+ 1
    }
    let shift = range.leadingZeroBitCount &- 24
    range = (range &<< UInt32(shift)) &- 1
    ready = ready &- shift
    return isOne
  }

  @inline(__always)
  mutating func flag() -> Bool { bit(128) }

  /// The next 0 or 1.
  @inline(__always)
  mutating func number(_ probability: UInt8) -> Int { bit(probability) ? 1 : 0 }

  /// A number of `count` even bits, from the highest.
  mutating func take(_ count: Int) -> Int {
    (0..<count).reduce(0) { value, _ in value << 1 | number(128) }
  }

  /// A number and its sign.
  mutating func signed(_ count: Int) -> Int {
    let value = take(count)
    return flag() ? -value : value
  }

  /// A number and its sign, or 0 where a flag says that there is none.
  mutating func optional(_ count: Int) -> Int { flag() ? signed(count) : 0 }
}
