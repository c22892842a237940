/// Restart markers: where they are due, and how to go on when one is lost.
struct JPEGRestarts {
  private let interval: Int
  private var unitsLeft: Int
  /// The number of the next marker, 0 to 7.
  private var expected = 0

  /// - Parameter interval: units between two markers; 0 for none.
  init(interval: Int) { (self.interval, unitsLeft) = (interval, interval) }

  var isDue: Bool {
    @inline(__always) get { interval > 0 && unitsLeft == 0 }
  }

  @inline(__always)
  mutating func countUnit() { unitsLeft &-= 1 }

  /// Goes to the next marker and decides, as libjpeg does, whether it is the one that is due.
  ///
  /// If it belongs to a later interval, it stays, and the interval that begins here is lost: its
  /// bits are 0.
  mutating func restart(_ bits: inout JPEGBits, _ bytes: UnsafeBufferPointer<UInt8>) {
    if bits.marker == nil { findMarker(&bits, bytes) }
    while let marker = bits.marker {
      let isRestart = (0xD0...0xD7).contains(marker)
      let ahead = (marker - 0xD0 - expected) & 7
      let (isWanted, isOld): (Bool, Bool)
      if isRestart {
        (isWanted, isOld) = (![1, 2, 6, 7].contains(ahead), ahead >= 6)
      } else {
        (isWanted, isOld) = (false, marker < 0xC0)
      }
      guard isWanted || isOld else { break }
      while bits.position < bytes.count, bytes[bits.position] == 0xFF { bits.position += 1 }
      bits.position += 1
      bits.marker = nil
      if isOld { findMarker(&bits, bytes) }
    }
    bits.restart(keepingShort: bits.marker != nil && bits.isShort)
    expected = (expected + 1) % 8
    unitsLeft = interval
  }

  /// Moves to the FF of the next marker.
  private func findMarker(_ bits: inout JPEGBits, _ bytes: UnsafeBufferPointer<UInt8>) {
    var position = bits.position
    while position < bytes.count {
      if bytes[position] == 0xFF {
        var next = position + 1
        while next < bytes.count, bytes[next] == 0xFF { next += 1 }
        guard next < bytes.count else { break }
        if bytes[next] != 0 {
          (bits.position, bits.marker) = (position, Int(bytes[next]))
          return
        }
        position = next
      }
      position += 1
    }
    (bits.position, bits.marker) = (bytes.count, JPEGBits.endOfFile)
  }
}
