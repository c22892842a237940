import Files
import Foundation
import Settings
import Testing

/// The bytes of a file that generate.py made.
func fixture(_ name: String) throws -> [UInt8] {
  let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
  return [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
}

/// Every prefix of `bytes`, and `bytes` with each byte changed in three ways.
func damaged(_ bytes: [UInt8]) -> [[UInt8]] {
  let changed = bytes.indices.flatMap { index in
    [0xFF, 0x01, 0x80].map { (mask: UInt8) in
      var copy = bytes
      copy[index] ^= mask
      return copy
    }
  }
  return bytes.indices.map { Array(bytes[..<$0]) } + changed
}

/// The message of the failure that `body` throws.
func message(_ body: () throws -> some Any) -> String {
  do {
    _ = try body()
    return "no failure"
  } catch {
    return String(describing: error)
  }
}
