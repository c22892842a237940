import Data
import Files
import Foundation
import Testing

struct PNGWriterTests {
  @Test(arguments: [(1, 1, 1), (7, 5, 3), (64, 48, 1), (300, 40, 3)])
  func readsBackWhatItWrote(_ size: (width: Int, height: Int, channels: Int)) throws {
    // Flat areas, ramps and noise, so that literals, short and long repetitions all occur.
    var state: UInt32 = 7
    let values = (0..<size.width * size.height * size.channels).map { i -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      let kind = i / 97 % 3
      let level = kind == 0 ? 255 : kind == 1 ? UInt32(i % 256) : state >> 24
      return Float(level) / 255
    }
    let image = Image(
      width: size.width, height: size.height, channels: size.channels, values: values)
    let scratch = try ScratchFolder()
    let path = scratch.path + "/picture.png"
    try FileSystem.write(image.png, to: path)
    let read = try readImage(path)
    #expect(read.channels == size.channels)
    #expect(zip(read.values, values).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func packsRepetitions() {
    #expect(deflated([UInt8](repeating: 0, count: 10_000)).count < 120)
  }
}
