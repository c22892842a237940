import Data
import Files
import Foundation
import Pictures
import Settings

private func picture(channels: Int) -> Image {
  Image(
    width: 7, height: 5, channels: channels,
    values: (0..<35 * channels).map { Float($0 * 37 % 256) / 255 })
}

/// A grey PNG file of two rows that says to be of another kind of pixels, interlaced or not.
private func png(depth: UInt8, colours: UInt8, interlaced: Bool) -> [UInt8] {
  var bytes = picture(channels: 1).png
  (bytes[24], bytes[25], bytes[28]) = (depth, colours, interlaced ? 1 : 0)
  Refitting.png(&bytes)
  return bytes
}

/// Every kind of picture that `Pictures` reads, a reader for each kind of seed.
private let kindReaders = pictureSeeds.sorted { $0.key < $1.key }.map { kind, seeds in
  FuzzedReader(
    kind, words: pictureWords[kind] ?? [],
    refit: { bytes in if kind.hasPrefix("png") { Refitting.png(&bytes) } }
  ) {
    seeds.map { [UInt8](Data(base64Encoded: $0) ?? Data()) }
  } read: { bytes in
    let picture = try Picture.read(bytes, at: "input").picture
    guard picture.width * picture.height < 1 << 14 else { return }
    _ = picture.nativeBytes()
    let upright = picture.upright()
    let pixels = Pixels(
      width: upright.width, height: upright.height, channels: 3, bytes: upright.rgbBytes())
    var preparation = PicturePreparation()
    preparation.size = [8, 8]
    _ = preparation.numbers(pixels)
    _ = try Image(bytes: bytes, at: "input")
  }
}

private let pictureWords = [
  "jpeg": ["Exif\0\0", "JFIF\0", "Adobe"],
  "webp-lossless": ["VP8L", "RIFF", "VP8X", "ALPH"],
  "webp-lossy": ["VP8 ", "VP8X", "ALPH", "ANIM"],
  "gif": ["GIF89a", "!", ",", ";"], "bmp": ["BM"], "tiff": ["II*\0", "MM\0*"],
  "png-kinds": ["IHDR", "IDAT", "PLTE", "tRNS", "IEND", "eXIf"],
]

let pictureReaders: [FuzzedReader] =
  kindReaders + [
    FuzzedReader(
      "png", words: ["IHDR", "IDAT", "PLTE", "tRNS", "IEND"], refit: { Refitting.png(&$0) }
    ) {
      [picture(channels: 1).png, picture(channels: 3).png]
    } read: { bytes in
      let image = try Image(bytes: bytes, at: "input")
      guard image.width * image.height < 1 << 16 else { return }
      _ = image.gray()
    },
    FuzzedReader("pnm", words: ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "#", "\n", " ", "65535"])
    {
      [
        Array("P2\n# grey\n3 2\n255\n0 10 200\n255 3 4\n".utf8), Array("P1 2 2 1 0 0 1".utf8),
        Array("P5 4 2 255\n".utf8) + (0..<8), Array("P6 2 2 65535\n".utf8) + (0..<24),
        Array("P4 9 2\n".utf8) + [0xA5, 0x80, 0x5A, 0],
      ]
    } read: {
      _ = try Image(bytes: $0, at: "input")
    },
    .file("idx", "idx") {
      [
        [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2] + (0..<12),
        [0, 0, 0x0D, 1, 0, 0, 0, 2, 0x3F, 0x80, 0, 0, 0x40, 0, 0, 0],
      ]
    } read: {
      _ = try readIDX($0)
    },
    .file("idx-gzip", "gz", refit: { Refitting.gzip(&$0) }) {
      let plain: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 9, 0, 0, 0, 4] + (0..<36).map { $0 % 5 }
      var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
      // `deflated` gives a zlib stream.
      packed += deflated(plain).dropFirst(2).dropLast(4) + [0, 0, 0, 0, 0, 0, 0, 0]
      Refitting.gzip(&packed)
      return [packed]
    } read: {
      _ = try readIDX($0)
    },
    FuzzedReader("zlib") {
      [
        deflated((0..<200).map { UInt8($0 % 7) }), deflated([]),
        deflated([UInt8](repeating: 9, count: 600)),
      ]
    } read: {
      _ = try Inflate.zlib($0[...], limit: 1 << 20, at: "input")
    },
  ]
