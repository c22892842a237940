import Settings

/// Lossy WebP: a key frame of VP8.
///
/// Source: RFC 6386 (Bankoski et al., *VP8 Data Format and Decoding Guide*, 2011).
enum VP8 {
  /// A macroblock of 256 pixels costs at least some of a bit.
  private static let packing = 1 << 14

  static func read(_ data: ArraySlice<UInt8>, at place: String) throws(Failure) -> WebPImage {
    func damaged(_ found: String) -> Failure {
      Failure(.badData, at: place, found, remedy: "the picture is cut short or damaged")
    }
    let bytes = Array(data)
    guard bytes.count >= 10, bytes[3..<6].elementsEqual([0x9D, 0x01, 0x2A]) else {
      throw damaged("the lossy picture does not begin as one")
    }
    let tag = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
    guard tag & 1 == 0 else { throw damaged("the picture is no key frame") }
    guard tag >> 1 & 7 <= 3, tag >> 4 & 1 == 1 else {
      throw damaged("a frame of profile \(tag >> 1 & 7) that is not shown")
    }
    let width = Int(bytes[6]) | Int(bytes[7] & 0x3F) << 8
    let height = Int(bytes[8]) | Int(bytes[9] & 0x3F) << 8
    try PictureSize.check(width, height, fileBytes: bytes.count, packing: packing, at: place)
    let firstSize = tag >> 5
    guard firstSize <= bytes.count - 10 else {
      throw damaged("\(bytes.count - 10) bytes of a first part of \(firstSize)")
    }
    let planes: VP8Planes? = bytes.withUnsafeBufferPointer { buffer in
      var frame = VP8Frame(buffer, width: width, height: height, firstPart: 10..<10 + firstSize)
      return frame?.planes()
    }
    guard let planes else { throw damaged("the lossy picture ends before its last pixel") }
    return WebPImage(
      width: width, height: height, pixels: planes.colours(width: width, height: height),
      hasAlpha: false, fileBytes: bytes.count)
  }
}

/// The luma and the two differences of colour of a picture, whole macroblocks.
///
/// A class because the innermost loops read and write its memory by pointer, and it ends with it.
final class VP8Planes {
  /// Macroblocks across and down.
  let across, down: Int
  let y, u, v: UnsafeMutablePointer<UInt8>

  init(across: Int, down: Int) {
    (self.across, self.down) = (across, down)
    y = .allocate(capacity: across * down * 256)
    y.initialize(repeating: 0, count: across * down * 256)
    u = .allocate(capacity: across * down * 64)
    u.initialize(repeating: 0, count: across * down * 64)
    v = .allocate(capacity: across * down * 64)
    v.initialize(repeating: 0, count: across * down * 64)
  }

  deinit {
    y.deallocate()
    u.deallocate()
    v.deallocate()
  }

  var lumaStride: Int { across * 16 }
  var chromaStride: Int { across * 8 }
}
