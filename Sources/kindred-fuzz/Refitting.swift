import Files

/// Makes the checksums of formats fit again after damage, as far as the damage leaves their places.
enum Refitting {
  private static func number(_ bytes: [UInt8], _ place: Int, _ size: Int, big: Bool = false) -> Int?
  {
    guard place >= 0, place <= bytes.count - size else { return nil }
    let digits = bytes[place..<place + size]
    return (big ? Array(digits) : digits.reversed()).reduce(0) { $0 << 8 | Int($1) }
  }

  private static func put(
    _ value: UInt32, in bytes: inout [UInt8], at place: Int, big: Bool = false
  ) {
    guard place >= 0, place <= bytes.count - 4 else { return }
    for i in 0..<4 {
      bytes[place + i] = UInt8(truncatingIfNeeded: value >> UInt32(8 * (big ? 3 - i : i)))
    }
  }

  /// The CRC-32 of every chunk, and the Adler-32 of pixels in one chunk.
  static func png(_ bytes: inout [UInt8]) {
    var place = 8
    while let length = number(bytes, place, 4, big: true), length <= bytes.count - place - 12 {
      let data = place + 8
      if bytes[place + 4..<data].elementsEqual("IDAT".utf8), length > 6,
        let (raw, used) = try? Inflate.raw(
          bytes[data + 2..<data + length], limit: 1 << 20, at: ""), used + 6 <= length
      {
        put(adler32(raw), in: &bytes, at: data + 2 + used, big: true)
      }
      put(CRC32.of(bytes[place + 4..<data + length]), in: &bytes, at: data + length, big: true)
      place = data + length + 4
    }
  }

  private static func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in bytes {
      low = (low + UInt32(byte)) % 65521
      high = (high + low) % 65521
    }
    return high << 16 | low
  }

  /// CRC-32 and size of a gzip file of one member with a plain header.
  static func gzip(_ bytes: inout [UInt8]) {
    guard bytes.count > 18, let (raw, used) = try? Inflate.raw(bytes[10...], limit: 1 << 20, at: "")
    else { return }
    put(CRC32.of(raw[...]), in: &bytes, at: 10 + used)
    put(UInt32(truncatingIfNeeded: raw.count), in: &bytes, at: 14 + used)
  }

  /// The CRC-32 of the stored members of a zip archive, by its directory.
  static func zip(_ bytes: inout [UInt8]) {
    guard let end = bytes.indices.dropLast(21).last(where: { bytes[$0...].starts(with: mark(5)) }),
      var place = number(bytes, end + 16, 4)
    else { return }
    while place < bytes.count, bytes[place...].starts(with: mark(1)) {
      guard let size = number(bytes, place + 20, 4), let name = number(bytes, place + 28, 2),
        let extra = number(bytes, place + 30, 2), let comment = number(bytes, place + 32, 2),
        let local = number(bytes, place + 42, 4), let localName = number(bytes, local + 26, 2),
        let localExtra = number(bytes, local + 28, 2)
      else { return }
      let data = local + 30 + localName + localExtra
      if data <= bytes.count, size <= bytes.count - data {
        let checksum = CRC32.of(bytes[data..<data + size])
        put(checksum, in: &bytes, at: place + 16)
        put(checksum, in: &bytes, at: local + 14)
      }
      place += 46 + name + extra + comment
    }
  }

  private static func mark(_ kind: UInt8) -> [UInt8] { [0x50, 0x4B, kind, kind + 1] }

  /// The length of the header of a safetensors file, up to where its tensors begin.
  static func safetensors(_ bytes: inout [UInt8]) {
    guard bytes.count > 8, let length = number(bytes, 0, 4) else { return }
    guard length > bytes.count - 8 || bytes[7 + max(1, length)] != UInt8(ascii: "}") else { return }
    guard let end = bytes[8...].lastIndex(of: UInt8(ascii: "}")) else { return }
    put(UInt32(end - 7), in: &bytes, at: 0)
    put(0, in: &bytes, at: 4)
  }

  /// The checksum of a safetensors file that has one, where it can be read at all.
  static func checksum(_ bytes: inout [UInt8]) {
    safetensors(&bytes)
    guard let file = try? SafetensorsFile(bytes, at: ""),
      let whole = try? file.withChecksum().bytes()
    else { return }
    bytes = whole
  }

  /// The CRC-32 of the header of our own graphs and of its parts, which the header places.
  static func graph(_ bytes: inout [UInt8]) {
    let header = 124
    guard bytes.count >= header, let links = number(bytes, 16, 4), let count = number(bytes, 32, 8),
      let width = number(bytes, 40, 8), let upper = number(bytes, 48, 8),
      let marks = number(bytes, 72, 8)
    else { return }
    var offset = header
    let parts = [
      (count, width, 4), (count, 1 + 2 * links, 4), (upper, 1 + links, 4), (count, 1, 1),
      (marks, 1, 8),
    ]
    for (part, (rows, columns, size)) in parts.enumerated() {
      let start = (offset + 63) / 64 * 64
      guard start <= bytes.count, rows >= 0, columns > 0,
        rows <= (bytes.count - start) / columns / size
      else { break }
      offset = start + rows * columns * size
      put(CRC32.of(bytes[start..<offset]), in: &bytes, at: 80 + 4 * part)
    }
    put(CRC32.of(bytes[..<(header - 4)]), in: &bytes, at: header - 4)
  }
}
