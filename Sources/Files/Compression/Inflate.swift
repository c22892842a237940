import Settings

/// Unpacks what deflate packed, alone or inside zlib and gzip.
///
/// No call returns more than `limit` bytes or allocates more than a small multiple of what it
/// returns, whatever the input promises.
///
/// Sources: RFC 1950 (zlib), RFC 1951 (deflate), RFC 1952 (gzip); Deutsch and Gailly, 1996.
public enum Inflate {
  /// Unpacks one deflate stream.
  ///
  /// - Returns: the unpacked bytes, and how many bytes of the input the stream took.
  /// - Throws: `Failure` for damaged input or more than `limit` bytes of output.
  /// - Complexity: O(input + output).
  public static func raw(
    _ bytes: ArraySlice<UInt8>, limit: Int, at place: String
  ) throws(Failure) -> (output: [UInt8], consumed: Int) {
    // A file of many tiny members must not pay for a large buffer each.
    var output = InflateOutput(limit: limit, guess: min(bytes.count * 4, 1 << 14))
    let (problem, consumed) = bytes.withUnsafeBytes { input in
      var stream = InflateStream(input)
      return (stream.inflate(into: &output), stream.consumed)
    }
    if let problem {
      guard problem != .limit else {
        throw Failure(.badData, at: place, "unpacks to more than \(limit) bytes")
      }
      throw Failure(
        .badData, at: "\(place): packed byte \(consumed)", problem.rawValue,
        remedy: "the file is cut short or damaged")
    }
    return (output.finished(), consumed)
  }

  /// Unpacks a zlib stream and compares its Adler-32 checksum; bytes after it are left alone.
  public static func zlib(
    _ bytes: ArraySlice<UInt8>, limit: Int, at place: String
  ) throws(Failure) -> [UInt8] {
    let start = bytes.startIndex
    guard bytes.count >= 6 else { throw damaged(place, "a zlib stream of \(bytes.count) bytes") }
    let (method, flags) = (bytes[start], bytes[start + 1])
    guard method & 0x0F == 8, method >> 4 <= 7, (Int(method) << 8 | Int(flags)) % 31 == 0 else {
      throw damaged(place, "the packed data do not begin as a zlib stream")
    }
    guard flags & 0x20 == 0 else {
      throw damaged(place, "the zlib stream needs a preset dictionary")
    }
    let (output, consumed) = try raw(bytes.dropFirst(2), limit: limit, at: place)
    let end = bytes[(start + 2 + consumed)...].prefix(4)
    guard end.count == 4, end.reduce(UInt32(0), { $0 << 8 | UInt32($1) }) == adler32(output) else {
      throw damaged(place, "the Adler-32 checksum of the unpacked data is wrong")
    }
    return output
  }

  /// Unpacks a gzip file of one or more members and compares the CRC-32 and the size of each.
  public static func gzip(
    _ bytes: [UInt8], limit: Int, at place: String
  ) throws(Failure) -> [UInt8] {
    var output: [UInt8] = []
    var reader = ByteReader(bytes, at: place)
    repeat {
      try skipGzipHeader(&reader)
      let (member, consumed) = try raw(
        bytes[reader.offset...], limit: limit - output.count, at: place)
      try reader.skip(consumed)
      let checksum: UInt32 = try reader.littleEndian(of: "the CRC-32")
      let size: UInt32 = try reader.littleEndian(of: "the size")
      guard checksum == CRC32.of(member[...]), size == UInt32(truncatingIfNeeded: member.count)
      else { throw damaged(place, "the CRC-32 checksum of the unpacked data is wrong") }
      if output.isEmpty { output = member } else { output += member }
      // Tape archives are padded with zeros; gzip itself passes over them too.
    } while bytes[reader.offset...].contains { $0 != 0 }
    return output
  }

  private static func skipGzipHeader(_ reader: inout ByteReader) throws(Failure) {
    let start = reader
    let magic: UInt16 = try reader.littleEndian(of: "a gzip header")
    let method: UInt8 = try reader.littleEndian(of: "a gzip header")
    let flags: UInt8 = try reader.littleEndian(of: "a gzip header")
    guard magic == 0x8B1F, method == 8, flags & 0xE0 == 0 else {
      throw start.failure("no gzip header", remedy: "the file is damaged")
    }
    try reader.skip(6, of: "a gzip header")
    if flags & 4 != 0 {
      let extra: UInt16 = try reader.littleEndian(of: "a gzip header")
      try reader.skip(Int(extra), of: "a gzip header")
    }
    // The name and the comment end with a zero.
    for flag in [8, 16] as [UInt8] where flags & flag != 0 {
      guard let end = reader.bytes[reader.offset...].firstIndex(of: 0) else {
        throw start.failure("a gzip header without end", remedy: "the file is damaged")
      }
      try reader.skip(end + 1 - reader.offset)
    }
    if flags & 2 != 0 { try reader.skip(2, of: "a gzip header") }
  }

  private static func damaged(_ place: String, _ found: String) -> Failure {
    Failure(.badData, at: place, found, remedy: "the file is cut short or damaged")
  }

  private static func adler32(_ bytes: [UInt8]) -> UInt32 {
    var (low, high): (UInt32, UInt32) = (1, 0)
    // The longest run whose sums surely fit 32 bits.
    let run = 5552
    for start in stride(from: 0, to: bytes.count, by: run) {
      for byte in bytes[start..<min(start + run, bytes.count)] {
        low &+= UInt32(byte)
        high &+= low
      }
      low %= 65521
      high %= 65521
    }
    return high << 16 | low
  }
}
