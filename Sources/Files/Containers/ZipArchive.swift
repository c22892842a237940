import Settings

/// Files to be written in one, as `.npz` is: a zip archive whose members are stored as they are.
///
/// Source: the .ZIP File Format Specification (PKWARE); without its 64-bit fields.
public struct ZipArchive: Sendable {
  public var members: [(name: String, bytes: [UInt8])]

  public init(members: [(name: String, bytes: [UInt8])]) { self.members = members }

  /// - Throws: if a member or the archive needs 4 GiB or more.
  public func bytes() throws(Failure) -> [UInt8] {
    guard members.reduce(0, { $0 + $1.bytes.count + 512 }) < 0xFFFF_FFFF else {
      throw Failure(
        .badData, at: "zip", "the members have 4 GiB or more", expected: "less",
        remedy: "export .npy, or in --shards")
    }
    var (writer, directory) = (ByteWriter(), ByteWriter())
    for member in members {
      let offset = writer.bytes.count
      let name = Array(member.name.utf8)
      var common = ByteWriter()
      // Version 2.0, no flags, stored, 1 January 1980.
      for number in [20, 0, 0, 0, 0x21] { common.littleEndian(UInt16(number)) }
      common.littleEndian(CRC32.of(member.bytes[...]))
      for _ in 0..<2 { common.littleEndian(UInt32(member.bytes.count)) }
      common.littleEndian(UInt16(name.count))
      common.littleEndian(UInt16(0))
      writer.append("PK\u{3}\u{4}")
      writer.append(common.bytes)
      writer.append(name)
      writer.append(member.bytes)
      directory.append("PK\u{1}\u{2}")
      directory.littleEndian(UInt16(20))
      directory.append(common.bytes)
      for _ in 0..<3 { directory.littleEndian(UInt16(0)) }
      directory.littleEndian(UInt32(0))
      directory.littleEndian(UInt32(offset))
      directory.append(name)
    }
    let start = writer.bytes.count
    writer.append(directory.bytes)
    writer.append("PK\u{5}\u{6}")
    for number in [0, 0, members.count, members.count] { writer.littleEndian(UInt16(number)) }
    writer.littleEndian(UInt32(directory.bytes.count))
    writer.littleEndian(UInt32(start))
    writer.littleEndian(UInt16(0))
    return writer.bytes
  }
}
