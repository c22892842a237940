import Settings

/// The members of a zip archive, each unpacked only when it is asked for.
///
/// Members are stored or deflated (`np.savez`, `np.savez_compressed`). Members that share bytes are
/// refused: a small file would hold many large ones.
/// Source: the .ZIP File Format Specification (PKWARE), with its 64-bit fields.
public struct ZipDirectory: Sendable {
  public struct Member: Sendable {
    public let name: String
    /// Bytes of the member itself.
    public let size: Int
    let packedSize, method: Int
    let checksum: UInt32
    /// Where the member's own header begins.
    let place: Int
  }

  public let members: [Member]
  private let bytes: [UInt8]
  private let place: String

  public static func read(_ path: String) throws(Failure) -> ZipDirectory {
    try ZipDirectory(try FileSystem.read(path), at: path)
  }

  /// Reads the directory at the end of an archive.
  public init(_ bytes: [UInt8], at place: String) throws(Failure) {
    (self.bytes, self.place) = (bytes, place)
    let end = Array("PK\u{5}\u{6}".utf8)
    let last = bytes.count - 22
    guard last >= 0,
      let start = (max(0, last - 0xFFFF)...last).reversed().first(where: {
        bytes[$0] == end[0] && bytes[$0..<$0 + 4].elementsEqual(end)
      })
    else {
      throw ZipDirectory.damaged(
        "there is no directory at the end", place, expected: "a zip archive")
    }
    var reader = ByteReader(bytes, at: place)
    try reader.skip(start + 10)
    var count = Int(try reader.littleEndian(UInt16.self))
    try reader.skip(4)
    var offset = UInt64(try reader.littleEndian(UInt32.self))
    if offset == 0xFFFF_FFFF || count == 0xFFFF {
      (count, offset) = try ZipDirectory.wideEnd(bytes, before: start, place)
    }
    // A member takes 46 bytes of the directory at least.
    guard offset <= UInt64(bytes.count), count <= bytes.count / 46 else {
      throw ZipDirectory.damaged("the directory is not where it is said to be", place)
    }
    var directory = ByteReader(bytes, at: place)
    try directory.skip(Int(offset), of: "members")
    var members: [Member] = []
    for _ in 0..<count { members.append(try ZipDirectory.member(&directory)) }
    self.members = members
    let ordered = members.sorted { $0.place < $1.place }
    for (member, next) in zip(ordered, ordered.dropFirst()) {
      guard next.place - member.place >= member.packedSize + 30 else {
        throw ZipDirectory.damaged(
          "'\(member.name)' and '\(next.name)' share bytes", place,
          expected: "members that follow each other")
      }
    }
  }

  /// The bytes of a member.
  public func bytes(of member: Member) throws(Failure) -> [UInt8] {
    var reader = ByteReader(bytes, at: place)
    try reader.skip(member.place, of: "members")
    guard try reader.bytes(4, of: "a member").elementsEqual("PK\u{3}\u{4}".utf8) else {
      throw ZipDirectory.damaged("'\(member.name)' is not where it is said to be", place)
    }
    try reader.skip(22)
    let nameLength: UInt16 = try reader.littleEndian()
    let extraLength: UInt16 = try reader.littleEndian()
    try reader.skip(Int(nameLength) + Int(extraLength))
    let packed = try reader.bytes(member.packedSize, of: member.name)
    try MemoryBudget.current.unpacking(bytes.count)
      .check([member.size], bytesEach: 2, for: "'\(member.name)'", at: place)
    let data: [UInt8]
    switch member.method {
    case 0: data = Array(packed)
    case 8: data = try Inflate.raw(packed, limit: member.size, at: place).output
    default:
      throw Failure(
        .badData, at: place, "'\(member.name)' is packed by method \(member.method)",
        expected: "stored or deflated members", remedy: "write it with np.savez_compressed")
    }
    guard data.count == member.size, CRC32.of(data[...]) == member.checksum else {
      throw ZipDirectory.damaged("the checksum of '\(member.name)' is wrong", place)
    }
    return data
  }

  private static func damaged(
    _ found: String, _ place: String, expected: String = ""
  ) -> Failure {
    Failure(
      .badData, at: place, found, expected: expected, remedy: "the file is cut short or damaged")
  }

  private static func member(_ directory: inout ByteReader) throws(Failure) -> Member {
    guard try directory.bytes(4, of: "a directory").elementsEqual("PK\u{1}\u{2}".utf8) else {
      throw damaged("the directory is not where it is said to be", directory.place)
    }
    try directory.skip(4)
    let flags: UInt16 = try directory.littleEndian()
    let method: UInt16 = try directory.littleEndian()
    try directory.skip(4)
    let checksum: UInt32 = try directory.littleEndian()
    var sizes: [UInt64] = []
    for _ in 0..<2 { sizes.append(UInt64(try directory.littleEndian(UInt32.self))) }
    var lengths: [Int] = []
    for _ in 0..<3 { lengths.append(Int(try directory.littleEndian(UInt16.self))) }
    try directory.skip(8)
    sizes.append(UInt64(try directory.littleEndian(UInt32.self)))
    let name = String(decoding: try directory.bytes(lengths[0]), as: UTF8.self)
    // What does not fit 32 bits follows in a field of its own: size, packed size, place.
    var extra = ByteReader(Array(try directory.bytes(lengths[1])), at: directory.place)
    try directory.skip(lengths[2])
    while extra.remaining >= 4 {
      let kind: UInt16 = try extra.littleEndian()
      let length = Int(try extra.littleEndian(UInt16.self))
      var field = ByteReader(Array(try extra.bytes(length)), at: directory.place)
      guard kind == 1 else { continue }
      for index in [1, 0, 2] where sizes[index] == 0xFFFF_FFFF {
        sizes[index] = try field.littleEndian(UInt64.self)
      }
    }
    guard flags & 1 == 0 else {
      throw Failure(
        .badData, at: directory.place, "'\(name)' is encrypted", expected: "a plain archive")
    }
    guard sizes.allSatisfy({ $0 < 1 << 62 }) else {
      throw damaged("the size of '\(name)' is impossible", directory.place)
    }
    return Member(
      name: name, size: Int(sizes[1]), packedSize: Int(sizes[0]), method: Int(method),
      checksum: checksum, place: Int(sizes[2]))
  }

  /// The count of members and the place of the directory in an archive with 64-bit fields.
  private static func wideEnd(
    _ bytes: [UInt8], before end: Int, _ place: String
  ) throws(Failure) -> (Int, UInt64) {
    var locator = ByteReader(bytes, at: place)
    try locator.skip(max(0, end - 20))
    guard end >= 20, try locator.bytes(4).elementsEqual("PK\u{6}\u{7}".utf8) else {
      throw damaged("the directory with 64-bit fields is missing", place)
    }
    try locator.skip(4)
    let start: UInt64 = try locator.littleEndian()
    guard start <= UInt64(bytes.count) else {
      throw damaged("the directory is not where it is said to be", place)
    }
    var reader = ByteReader(bytes, at: place)
    try reader.skip(Int(start))
    guard try reader.bytes(4).elementsEqual("PK\u{6}\u{6}".utf8) else {
      throw damaged("the directory is not where it is said to be", place)
    }
    try reader.skip(28)
    let count: UInt64 = try reader.littleEndian()
    try reader.skip(8)
    return (Int(clamping: count), try reader.littleEndian())
  }
}
