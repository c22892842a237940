// How the coefficients of a block are coded (ITU-T T.81, annexes F and G).

extension JPEGBits {
  /// Reads how much a direct coefficient differs from the last one.
  @inline(__always)
  mutating func readDirect(_ code: JPEGWords, _ prediction: inout Int32) {
    let size = symbol(code)
    if size > 0 { prediction &+= JPEGBits.extended(take(size), size) }
  }

  /// Reads all coefficients of a block, which is zero before.
  ///
  /// - Returns: the place of the last that was written, in the order of the zigzag.
  @inline(__always)
  mutating func readBlock(
    _ direct: JPEGWords, _ alternating: JPEGWords, _ prediction: inout Int32,
    into block: UnsafeMutablePointer<Int16>
  ) -> Int {
    var bits = self
    defer { self = bits }
    bits.readDirect(direct, &prediction)
    block[0] = Int16(truncatingIfNeeded: prediction)
    let lookup = alternating.lookup
    var (place, last) = (1, 0)
    while place < 64 {
      bits.refill()
      let entry = lookup[Int(truncatingIfNeeded: bits.buffer &>> UInt64(64 - JPEGWords.lookupBits))]
      if entry & 0x80 != 0 {
        // Word and number together.
        bits.drop(Int(entry & 0x7F))
        place &+= Int(entry &>> 12 & 15)
        block[Int(zigzag[place])] = Int16(truncatingIfNeeded: Int32(bitPattern: entry) &>> 16)
        last = place
        place &+= 1
        continue
      }
      let symbol: Int
      if entry != 0 {
        bits.drop(Int(entry & 0x7F))
        symbol = Int(entry &>> 8)
      } else {
        let (length, found) = alternating.search(bits.buffer)
        bits.drop(length)
        symbol = found
      }
      let (run, size) = (symbol &>> 4, symbol & 15)
      if size == 0 {
        guard run == 15 else { break }
        place &+= 16
        continue
      }
      place &+= run
      block[Int(zigzag[place])] = Int16(
        truncatingIfNeeded: JPEGBits.extended(bits.take(size), size))
      last = place
      place &+= 1
    }
    return last
  }

  /// Reads the highest bits of a band of coefficients.
  mutating func readBand(
    _ code: JPEGWords, _ scan: inout JPEGScan, into block: UnsafeMutablePointer<Int16>
  ) {
    if scan.blocksToSkip > 0 {
      scan.blocksToSkip &-= 1
      return
    }
    var bits = self
    defer { self = bits }
    var place = scan.band.lowerBound
    while place <= scan.band.upperBound {
      let symbol = bits.symbol(code)
      let (run, size) = (symbol &>> 4, symbol & 15)
      if size == 0 {
        if run == 15 {
          place &+= 16
          continue
        }
        scan.blocksToSkip = 1 &<< run &- 1
        if run > 0 { scan.blocksToSkip &+= Int(bits.take(run)) }
        return
      }
      place &+= run
      block[Int(zigzag[place])] = Int16(
        truncatingIfNeeded: JPEGBits.extended(bits.take(size), size) &<< scan.shift)
      place &+= 1
    }
  }

  /// Reads one more bit of a band of coefficients.
  mutating func refineBand(
    _ code: JPEGWords, _ scan: inout JPEGScan, into block: UnsafeMutablePointer<Int16>
  ) {
    var bits = self
    defer { self = bits }
    let one = Int16(truncatingIfNeeded: 1 &<< scan.shift)
    var place = scan.band.lowerBound
    let last = scan.band.upperBound
    if scan.blocksToSkip == 0 {
      while place <= last {
        let symbol = bits.symbol(code)
        var run = symbol &>> 4
        var value: Int16 = 0
        if symbol & 15 != 0 {
          // A coefficient that was zero so far: its sign comes first.
          value = bits.bit() ? one : 0 &- one
        } else if run != 15 {
          scan.blocksToSkip = 1 &<< run
          if run > 0 { scan.blocksToSkip &+= Int(bits.take(run)) }
          break
        }
        // Zeros are counted; what is not zero takes its bit on the way.
        while place <= last {
          let target = block + Int(zigzag[place])
          if target.pointee != 0 {
            bits.refine(target, one)
          } else {
            if run == 0 { break }
            run &-= 1
          }
          place &+= 1
        }
        if value != 0 { block[Int(zigzag[place])] = value }
        place &+= 1
      }
    }
    if scan.blocksToSkip > 0 {
      while place <= last {
        let target = block + Int(zigzag[place])
        if target.pointee != 0 { bits.refine(target, one) }
        place &+= 1
      }
      scan.blocksToSkip &-= 1
    }
  }

  @inline(__always)
  private mutating func refine(_ target: UnsafeMutablePointer<Int16>, _ one: Int16) {
    guard bit(), target.pointee & one == 0 else { return }
    target.pointee &+= target.pointee > 0 ? one : 0 &- one
  }
}
