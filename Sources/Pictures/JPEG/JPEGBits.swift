/// The bits of a scan, from the highest of each byte.
///
/// FF 00 is a byte FF; any other FF ends the data, and the bits that follow are 0.
struct JPEGBits {
  /// What stands for the end of the file where a marker is expected.
  static let endOfFile = 0x100

  private let bytes: UnsafePointer<UInt8>
  private let end: Int
  /// `JPEG.zigzag`, by pointer for the innermost loops.
  let zigzag: UnsafePointer<UInt8>
  /// Behind the last byte that was read; at a marker, on its FF.
  var position: Int
  /// The marker that ended the data; nil while there are more.
  var marker: Int?
  /// The next bits, the first of them highest.
  private(set) var buffer: UInt64 = 0
  /// How many bits are ready.
  private var count = 0
  /// How many of the bits that were ready at any time are zeros behind the end of the data.
  private var padding = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int) {
    (self.position, end) = (position, bytes.count)
    zigzag = zigzagPlaces
    // A picture has at least the two bytes that it begins with.
    self.bytes = bytes.baseAddress.unsafelyUnwrapped
  }

  /// Whether more bits were taken than there are.
  var isShort: Bool {
    @inline(__always) get { padding > count }
  }

  /// Forgets what is left of an interval.
  mutating func restart(keepingShort: Bool) {
    (buffer, count, padding) = (0, 0, keepingShort ? 1 : 0)
  }

  /// Makes at least 48 bits ready.
  @inline(__always)
  mutating func refill() {
    guard count < 48 else { return }
    if end - position >= 8 {
      let word = UInt64(
        bigEndian: UnsafeRawPointer(bytes + position).loadUnaligned(as: UInt64.self))
      // No byte of them is FF.
      if (~word &- 0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
        buffer |= word &>> UInt64(count)
        let taken = (63 &- count) &>> 3
        position &+= taken
        count &+= taken &* 8
        return
      }
    }
    // By value, so that the bits can stay in registers on the way that is nearly always taken.
    self = JPEGBits.filledByByte(self)
  }

  @inline(never)
  private static func filledByByte(_ bits: JPEGBits) -> JPEGBits {
    var bits = bits
    while bits.count <= 56, bits.marker == nil {
      guard bits.position < bits.end else {
        bits.marker = JPEGBits.endOfFile
        break
      }
      let byte = bits.bytes[bits.position]
      if byte == 0xFF {
        var next = bits.position + 1
        while next < bits.end, bits.bytes[next] == 0xFF { next += 1 }
        guard next < bits.end, bits.bytes[next] == 0 else {
          bits.marker = next < bits.end ? Int(bits.bytes[next]) : JPEGBits.endOfFile
          break
        }
        bits.position = next
      }
      bits.position += 1
      bits.buffer |= UInt64(byte) << UInt64(56 - bits.count)
      bits.count += 8
    }
    if bits.marker != nil {
      let zeros = (64 - bits.count) & ~7
      bits.count += zeros
      bits.padding += zeros
    }
    return bits
  }

  @inline(__always)
  mutating func drop(_ length: Int) {
    buffer = buffer &<< UInt64(length)
    count &-= length
  }

  /// The next 1 to 16 bits, of those that are ready.
  @inline(__always)
  mutating func take(_ length: Int) -> Int32 {
    let value = Int32(truncatingIfNeeded: buffer &>> UInt64(64 &- length))
    drop(length)
    return value
  }

  /// The next bit, made ready if need be.
  @inline(__always)
  mutating func bit() -> Bool {
    refill()
    let isOne = buffer >> 63 == 1
    drop(1)
    return isOne
  }

  /// The symbol that comes next; at least 32 bits are left ready.
  @inline(__always)
  mutating func symbol(_ code: JPEGWords) -> Int {
    refill()
    let entry = code.lookup[Int(truncatingIfNeeded: buffer &>> UInt64(64 - JPEGWords.lookupBits))]
    if entry != 0 {
      // A number that the lookup knows too is left where it is.
      let symbol = Int(entry &>> 8 & 0xFF)
      drop(Int(entry & 0x7F) &- (entry & 0x80 == 0 ? 0 : symbol & 15))
      return symbol
    }
    let (length, symbol) = code.search(buffer)
    drop(length)
    return symbol
  }

  /// A number of `size` bits, whose first bit tells its sign.
  @inline(__always)
  static func extended(_ value: Int32, _ size: Int) -> Int32 {
    let isNegative = value &>> Int32(size &- 1) == 0
    return isNegative ? value &- (1 &<< Int32(size)) &+ 1 : value
  }
}

/// As long as the program.
private nonisolated(unsafe) let zigzagPlaces: UnsafePointer<UInt8> = {
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: JPEG.zigzag.count)
  memory.initialize(from: JPEG.zigzag, count: JPEG.zigzag.count)
  return UnsafePointer(memory)
}()
