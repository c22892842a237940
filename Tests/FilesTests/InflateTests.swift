import Files
import Foundation
import Settings
import Testing

struct InflateTests {
  /// What Python's zlib says about the bytes that generate.py packed in several ways.
  private let saladSize = 60000
  private let saladChecksum: UInt32 = 0xA1ED25E4

  @Test(arguments: ["salad", "salad-fixed", "salad-huffman"])
  func unpacksDeflate(_ name: String) throws {
    let bytes = try fixture("\(name).deflate")
    // Bytes around the stream are not part of it.
    let padded = [1, 2] + bytes + [3]
    let (output, consumed) = try Inflate.raw(padded[2...], limit: saladSize, at: name)
    #expect(consumed == bytes.count)
    #expect(output.count == saladSize)
    #expect(CRC32.of(output[...]) == saladChecksum)
    var sequential = CRC32()
    for byte in output { sequential.update(CollectionOfOne(byte)) }
    #expect(sequential.value == saladChecksum)
  }

  @Test func unpacksZlib() throws {
    let salad = try Inflate.zlib(try fixture("salad.zlib")[...], limit: 1 << 20, at: "a")
    #expect(CRC32.of(salad[...]) == saladChecksum)
    let stored = try Inflate.zlib(try fixture("stored.zlib")[...], limit: 256, at: "a")
    #expect(stored == Array(0...255))
    let runs = try Inflate.zlib(try fixture("runs.zlib")[...], limit: 1_000_000, at: "a")
    #expect(runs == [UInt8](repeating: 0, count: 1_000_000))
  }

  @Test func unpacksGzip() throws {
    let text = "Kindred embeds what is alike side by side. "
    let plain = try Inflate.gzip(try fixture("plain.gz"), limit: 1000, at: "a")
    #expect(String(decoding: plain, as: UTF8.self) == text + text + text)
    let members = try Inflate.gzip(try fixture("members.gz"), limit: 2 * text.utf8.count, at: "a")
    #expect(String(decoding: members, as: UTF8.self) == text + text)
  }

  @Test func keepsToTheLimit() throws {
    for (name, size) in [("salad.zlib", 60000), ("stored.zlib", 256), ("runs.zlib", 1_000_000)] {
      let bytes = try fixture(name)
      for limit in [0, 1, 255, size - 1] {
        let line = message { try Inflate.zlib(bytes[...], limit: limit, at: "a") }
        #expect(line == "a: unpacks to more than \(limit) bytes")
      }
    }
    let line = message { try Inflate.gzip(try fixture("members.gz"), limit: 80, at: "a") }
    #expect(line.contains("unpacks to more than"))
  }

  @Test func noticesEveryDamageThatAChecksumCovers() throws {
    let (zlib, gzip) = (try fixture("stored.zlib"), try fixture("plain.gz"))
    let text = try Inflate.gzip(gzip, limit: 1000, at: "a")
    for bytes in damaged(zlib) {
      // Padding bits of a stored block mean nothing.
      if let output = try? Inflate.zlib(bytes[...], limit: 1000, at: "a") {
        #expect(output == Array(0...255))
      }
    }
    for bytes in damaged(gzip) {
      if let output = try? Inflate.gzip(bytes, limit: 1000, at: "a") { #expect(output == text) }
    }
    for count in 0..<gzip.count {
      #expect(throws: Failure.self) {
        try Inflate.gzip(Array(gzip[..<count]), limit: 1000, at: "a")
      }
    }
  }

  @Test(arguments: ["salad.deflate", "salad-fixed.deflate", "salad.zlib"])
  func survivesDamage(_ name: String) throws {
    // The codes at the beginning are what damage can make impossible.
    for bytes in damaged(Array(try fixture(name).prefix(500))) {
      _ = try? Inflate.raw(bytes[...], limit: 1 << 16, at: "a")
      _ = try? Inflate.zlib(bytes[...], limit: 1 << 16, at: "a")
    }
  }

  @Test(
    arguments: [
      ([0x07], "a block of unknown type"), ([], "end too soon"),
      ([0x01, 1, 0, 0, 0], "stored block"),
      // A fixed block that begins with a copy, and one with the symbol 286.
      ([0x03, 0x02, 0x00], "a copy from before the first byte"),
      ([0x1B, 0x03, 0x00, 0x00], "outside its Huffman code"),
      ([0x05, 0x00, 0x00, 0x00, 0x00], "a Huffman code is impossible"),
    ] as [([UInt8], String)])
  func namesWhatIsWrong(_ bytes: [UInt8], _ found: String) {
    let line = message { try Inflate.raw(bytes[...], limit: 100, at: "a") }
    #expect(line.contains(found), "\(line)")
  }
}
