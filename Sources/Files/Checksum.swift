/// CRC-32 (polynomial EDB88320), as in gzip, PNG and zip.
public struct CRC32: Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  public init() {}

  public var value: UInt32 { ~state }

  public mutating func update(_ bytes: some Sequence<UInt8>) {
    var crc = state
    for byte in bytes { crc = CRC32.table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8) }
    state = crc
  }

  /// The same for bytes in memory, eight at a time.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var crc = state
    CRC32.tables.withUnsafeBufferPointer { tables in
      var offset = 0
      while bytes.count - offset >= 8 {
        let word =
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
          ^ UInt64(crc)
        crc = 0
        for index in 0..<8 {
          crc ^= tables[(7 - index) * 256 + Int(word >> UInt64(index * 8) & 0xFF)]
        }
        offset += 8
      }
      for byte in bytes[offset...] {
        crc = tables[Int((crc ^ UInt32(byte)) & 0xFF)] ^ (crc >> 8)
      }
    }
    state = crc
  }

  public mutating func update(_ bytes: ArraySlice<UInt8>) {
    bytes.withUnsafeBytes { update($0) }
  }

  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }

  public static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }

  public static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
  }

  /// Tables for a byte that 0 to 7 bytes follow, one after another.
  private static let tables: [UInt32] = {
    var tables = table
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables.append(table[Int(before & 0xFF)] ^ (before >> 8))
    }
    return tables
  }()
}
