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

  public static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = CRC32()
    crc.update(bytes)
    return crc.value
  }

  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? (crc >> 1) ^ 0xEDB8_8320 : crc >> 1 }
  }
}
