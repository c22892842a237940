/// Unpacks codes of growing length, of which each stands for a run that came before (GIF, TIFF).
///
/// Source: Welch, *A technique for high-performance data compression* (Computer, 1984).
struct LZW {
  /// How codes lie in bytes; TIFF also makes them longer one code earlier.
  enum Order { case leastSignificantFirst, mostSignificantFirst }

  private static let longest = 12

  private let order: Order
  private let codeBits: Int
  private let clear: Int
  /// For each code: the code of all but its last byte, that byte, and how many there are.
  private var prefixes = [UInt16](repeating: 0, count: 1 << LZW.longest)
  private var lasts = [UInt8](repeating: 0, count: 1 << LZW.longest)
  private var lengths = [UInt16](repeating: 1, count: 1 << LZW.longest)

  /// - Parameter codeBits: the bits of a byte, 1 to 11; codes begin with one more.
  init(codeBits: Int, order: Order) {
    (self.codeBits, self.order, clear) = (codeBits, order, 1 << codeBits)
    for byte in 0..<min(256, 1 << codeBits) { lasts[byte] = UInt8(byte) }
  }

  /// Unpacks up to `count` bytes; fewer if the codes end before.
  ///
  /// - Returns: the bytes, and what is wrong with the codes, if anything is.
  mutating func unpack(_ packed: ArraySlice<UInt8>, count: Int) -> ([UInt8], problem: String?) {
    var output: [UInt8] = []
    output.reserveCapacity(count)
    let early = order == .mostSignificantFirst ? 1 : 0
    var (bits, bitCount) = (UInt32(0), 0)
    var (size, next, previous) = (codeBits + 1, clear + 2, -1)
    for byte in packed {
      switch order {
      case .leastSignificantFirst: bits |= UInt32(byte) << UInt32(bitCount)
      case .mostSignificantFirst: bits = bits << 8 | UInt32(byte)
      }
      bitCount += 8
      while bitCount >= size {
        let mask = UInt32(1) << UInt32(size) - 1
        let code: Int
        switch order {
        case .leastSignificantFirst:
          code = Int(bits & mask)
          bits >>= UInt32(size)
        case .mostSignificantFirst:
          code = Int(bits >> UInt32(bitCount - size) & mask)
        }
        bitCount -= size
        if code == clear {
          (size, next, previous) = (codeBits + 1, clear + 2, -1)
          continue
        }
        if code == clear + 1 { return (output, nil) }
        if previous < 0 {
          guard code < clear else { return (output, "a code before what it stands for") }
          output.append(lasts[code])
        } else {
          // A code that is just being made stands for the last run and its first byte again.
          guard code <= next, code < next || next < 1 << LZW.longest else {
            return (output, "a code before what it stands for")
          }
          let run = code == next ? previous : code
          let first = append(run, to: &output)
          if code == next { output.append(first) }
          if next < 1 << LZW.longest {
            prefixes[next] = UInt16(previous)
            lasts[next] = first
            lengths[next] = lengths[previous] + 1
            next += 1
          }
        }
        if next + early >= 1 << size, size < LZW.longest { size += 1 }
        previous = code
        if output.count >= count {
          output.removeLast(output.count - count)
          return (output, nil)
        }
      }
    }
    return (output, nil)
  }

  /// Appends what a code stands for and returns its first byte.
  private func append(_ code: Int, to output: inout [UInt8]) -> UInt8 {
    let length = Int(lengths[code])
    output.append(contentsOf: repeatElement(0, count: length))
    var (code, place) = (code, output.count - 1)
    for _ in 0..<length {
      output[place] = lasts[code]
      code = Int(prefixes[code])
      place -= 1
    }
    return output[place + 1]
  }
}
