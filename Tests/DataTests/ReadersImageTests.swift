import Data
import Files
import Foundation
import Settings
import Testing

struct ReadersImageTests {
  static let kinds = [
    "type0-1", "type0-2", "type0-4", "type0-8", "type0-16", "type2-8", "type2-16", "type3-1",
    "type3-2", "type3-4", "type3-8", "type4-8", "type4-16", "type6-8", "type6-16",
  ]

  @Test(arguments: kinds, ["", "-adam7"])
  func readsEveryKindOfPNG(_ name: String, _ suffix: String) throws {
    let image = try readImage(try fixturePath(name + suffix + ".png"))
    #expect(try difference(image, from: name) < 1e-6)
  }

  @Test(arguments: [
    "transparent0-8", "transparent0-16", "transparent2-8", "transparent2-16", "transparent3-4",
    "small-1x1", "small-2x1", "small-1x5", "small-5x2", "small-3x3", "small-8x9", "pillow",
    "pillow-bits",
  ])
  func readsPNG(_ name: String) throws {
    #expect(try difference(readImage(try fixturePath("\(name).png")), from: name) < 1e-6)
  }

  @Test(arguments: [
    ("pillow.ppm", "pillow"), ("pillow-gray.pgm", "pillow-gray"),
    ("pillow-bits.pbm", "pillow-bits"), ("plain.pbm", "plain-bits"), ("plain.pgm", "plain-gray"),
    ("plain.ppm", "plain-colour"), ("packed16.pgm", "plain-gray"),
    ("packed16.ppm", "plain-colour"),
  ])
  func readsNetpbm(_ file: String, _ name: String) throws {
    #expect(try difference(readImage(try fixturePath(file)), from: name) < 1e-6)
  }

  @Test func grayIsWhatPillowMakes() throws {
    let picture = try readImage(try fixturePath("pillow.png"))
    // Pillow rounds to 8 bits.
    #expect(try difference(picture.gray(), from: "pillow-gray") < 0.51 / 255)
    #expect(picture.gray().gray() == picture.gray())
    let gray = try readImage(try fixturePath("pillow-gray.pgm"))
    #expect(zip(gray.rgb().gray().values, gray.values).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(gray.rgb().values.count == 3 * gray.values.count && picture.rgb() == picture)
    #expect(try difference(picture.inverted(), from: "pillow-inverted") < 1e-6)
  }

  @Test func turnsAgainstTheClock() throws {
    let picture = try readImage(try fixturePath("pillow.png"))
    for turns in 1...3 {
      #expect(
        try difference(picture.rotated(quarterTurns: turns), from: "pillow-turned\(turns)") < 1e-6)
    }
    #expect(picture.rotated(quarterTurns: -1) == picture.rotated(quarterTurns: 3))
    #expect(picture.rotated(quarterTurns: 4) == picture)
  }

  @Test(arguments: [("box", 10, 8), ("linear", 45, 31), ("area", 11, 7)])
  func resizes(_ name: String, _ width: Int, _ height: Int) throws {
    let gray = try readImage(try fixturePath("pillow-gray.pgm"))
    let image = gray.resized(width: width, height: height)
    #expect(try difference(image, from: "pillow-\(name)") < 1e-5)
    #expect(gray.resized(width: gray.width, height: gray.height) == gray)
    let colours = gray.rgb().resized(width: width, height: height)
    #expect(zip(colours.values, image.rgb().values).allSatisfy { abs($0 - $1) < 1e-6 })
    let dot = Image(width: 1, height: 1, channels: 1, values: [0.25])
    #expect(dot.resized(width: 3, height: 2).values == [Float](repeating: 0.25, count: 6))
  }

  @Test(arguments: [
    "type0-1", "type0-16-adam7", "type3-4", "type6-8", "transparent3-4", "small-3x3",
  ])
  func everyDamageToPNGIsNoticed(_ name: String) throws {
    let bytes = try FileSystem.read(try fixturePath("\(name).png"))
    for copy in damaged(bytes) {
      #expect(throws: Failure.self) { try Image(bytes: copy, at: "a.png") }
    }
  }

  /// With the checksums mended, damage reaches what lies behind them.
  @Test(arguments: ["type0-2", "type3-1", "type2-8-adam7", "transparent0-16", "small-5x2"])
  func damageBehindTheChecksumsIsSurvived(_ name: String) throws {
    let bytes = try FileSystem.read(try fixturePath("\(name).png"))
    var failures = 0
    for copy in damaged(bytes) {
      do { _ = try Image(bytes: mended(copy), at: "a.png") } catch { failures += 1 }
    }
    #expect(failures > bytes.count)
  }

  private func mended(_ bytes: [UInt8]) -> [UInt8] {
    var (bytes, offset) = (bytes, 8)
    while offset + 12 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      let end = offset + 8 + length
      guard end + 4 <= bytes.count else { break }
      let checksum = CRC32.of(bytes[offset + 4..<end])
      withUnsafeBytes(of: checksum.bigEndian) { bytes.replaceSubrange(end..<end + 4, with: $0) }
      offset = end + 4
    }
    return bytes
  }

  @Test(arguments: ["plain.pbm", "plain.ppm", "pillow-bits.pbm", "packed16.pgm"])
  func damageToNetpbmIsSurvived(_ name: String) throws {
    for copy in damaged(try FileSystem.read(try fixturePath(name))) {
      if let image = try? Image(bytes: copy, at: "a") {
        #expect(image.values.allSatisfy { (0...1).contains($0) })
      }
    }
  }

  @Test func aSmallFileCannotClaimALargePicture() throws {
    for (width, height) in [(60000, 1000), (1 << 31 - 1, 1 << 31 - 1), (1 << 26, 1), (0, 4)] {
      var bytes = try FileSystem.read(try fixturePath("small-3x3.png"))
      for (offset, extent) in [(16, width), (20, height)] {
        for index in 0..<4 { bytes[offset + index] = UInt8(extent >> (24 - 8 * index) & 0xFF) }
      }
      #expect(failure { _ = try Image(bytes: mended(bytes), at: "a.png") }.kind == .badData)
    }
    for text in ["P6 60000 1000 255\n", "P1 8000 8000\n", "P5 99999999999999999999 1 255\n"] {
      let line = failure { _ = try Image(bytes: Array(text.utf8), at: "a.pgm") }.description
      #expect(line.hasPrefix("a.pgm: byte "))
    }
  }

  @Test(
    arguments: [
      ([0xFF, 0xD8, 0xFF, 0xE0], "ends before the JPEG picture does"),
      ([], "the file is empty"), (Array("P7\n".utf8), "this is not a known picture"),
      (Array("P5 2 2 255".utf8), "no blank"), (Array("P2 1 1 3 4".utf8), "pixel value 0 is 4"),
      (Array("P5 1 1 9 \u{0A}".utf8), "pixel value 0 is 10"), (Array("P5 1 0 9 1".utf8), "height"),
    ] as [([UInt8], String)])
  func saysWhatIsWrong(_ bytes: [UInt8], _ found: String) {
    #expect(failure { _ = try Image(bytes: bytes, at: "a") }.description.contains(found))
  }
}
