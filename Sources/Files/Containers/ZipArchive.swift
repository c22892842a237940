import Settings

/// Files in one, as `.npz` is: a zip archive whose members are stored as they are.
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

  /// Reads an archive of stored members, by the directory at its end.
  public init(_ bytes: [UInt8], at place: String) throws(Failure) {
    func bad(_ found: String, expected: String = "") -> Failure {
      Failure(
        .badData, at: place, found, expected: expected, remedy: "the file is cut short or damaged")
    }
    let end = Array("PK\u{5}\u{6}".utf8)
    let last = bytes.count - 22
    guard last >= 0,
      let start = (max(0, last - 0xFFFF)...last).reversed().first(where: {
        bytes[$0] == end[0] && bytes[$0..<$0 + 4].elementsEqual(end)
      })
    else { throw bad("there is no directory at the end", expected: "a zip archive") }
    var reader = ByteReader(bytes, at: place)
    try reader.skip(start + 10)
    let count: UInt16 = try reader.littleEndian()
    try reader.skip(4)
    let offset: UInt32 = try reader.littleEndian()
    var directory = ByteReader(bytes, at: place)
    try directory.skip(Int(offset), of: "members")
    members = []
    for _ in 0..<count {
      guard try directory.bytes(4, of: "a directory").elementsEqual("PK\u{1}\u{2}".utf8) else {
        throw bad("the directory is not where it is said to be")
      }
      try directory.skip(6)
      let method: UInt16 = try directory.littleEndian()
      try directory.skip(4)
      let checksum: UInt32 = try directory.littleEndian()
      let size: UInt32 = try directory.littleEndian()
      try directory.skip(4)
      var lengths: [Int] = []
      for _ in 0..<3 { lengths.append(Int(try directory.littleEndian(UInt16.self))) }
      try directory.skip(8)
      let place: UInt32 = try directory.littleEndian()
      let name = String(decoding: try directory.bytes(lengths[0]), as: UTF8.self)
      try directory.skip(lengths[1] + lengths[2])
      guard method == 0, size != 0xFFFF_FFFF else {
        throw bad("'\(name)' is compressed or of 4 GiB", expected: "a stored member; use np.savez")
      }
      var member = ByteReader(bytes, at: directory.place)
      try member.skip(Int(place) + 26, of: "members")
      let nameLength: UInt16 = try member.littleEndian()
      let extraLength: UInt16 = try member.littleEndian()
      try member.skip(Int(nameLength) + Int(extraLength))
      let data = try member.bytes(Int(size), of: name)
      guard CRC32.of(data) == checksum else { throw bad("the checksum of '\(name)' is wrong") }
      members.append((name, Array(data)))
    }
  }
}
