import Files
import Settings

/// Walks through the segments of a JPEG stream and keeps what they define.
struct JPEGReader {
  /// How often a picture may be refined; lawful ones have about ten scans.
  private static let mostScans = 500

  let bytes: UnsafeBufferPointer<UInt8>
  let place: String
  /// How many pixels the stream may have.
  var mostPixels = PictureSize.mostPixels
  /// The picture is made at 1 / `reduction` of its size.
  let reduction: Int
  var position = 0
  var frame: JPEGFrame?
  var quantizers = [[UInt16]?](repeating: nil, count: 4)
  var codes = JPEGCodes()
  var restartInterval = 0
  private(set) var hasJFIF = false
  private(set) var adobeTransform: UInt8?
  private(set) var orientation = 1
  private var hasEXIF = false
  private var scanCount = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, reduction: Int = 1, at place: String) {
    (self.bytes, self.reduction, self.place) = (bytes, reduction, place)
  }

  func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(
      .badData, at: "\(place): byte \(min(position, bytes.count))", found, expected: expected,
      remedy: remedy.isEmpty ? "the picture is damaged" : remedy)
  }

  var truncated: Failure {
    failure(
      "the file ends before the JPEG picture does", remedy: "the picture is cut short")
  }

  /// Reads up to the end of the picture; what comes after it is left alone.
  mutating func readAll() throws(Failure) {
    guard bytes.count >= 2, bytes[0] == 0xFF, bytes[1] == 0xD8 else {
      throw failure("this does not begin as a JPEG picture")
    }
    position = 2
    while try readSegment() {}
    guard let frame, frame.hasScan else {
      throw failure("the picture ends before any of its pixels")
    }
  }

  /// Moves behind the next marker and returns it: any bytes before it are skipped, as libjpeg does.
  mutating func nextMarker() throws(Failure) -> UInt8 {
    while true {
      while position < bytes.count, bytes[position] != 0xFF { position += 1 }
      while position < bytes.count, bytes[position] == 0xFF { position += 1 }
      guard position < bytes.count else { throw truncated }
      position += 1
      if bytes[position - 1] != 0 { return bytes[position - 1] }
    }
  }

  /// Reads a segment; false at the end of the picture.
  private mutating func readSegment() throws(Failure) -> Bool {
    let marker = try nextMarker()
    switch marker {
    case 0xD9: return false
    case 0x01, 0xD0...0xD7: return true
    case 0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: throw unsupportedFrame(marker)
    case 0xC0...0xC2, 0xC4, 0xCC, 0xDA...0xEF, 0xFE: break
    default:
      throw failure("marker \(String(marker, radix: 16)) cannot stand here")
    }
    let data = try segment()
    switch marker {
    case 0xC0...0xC2:
      guard frame == nil else { throw failure("a second frame") }
      frame = try JPEGFrame(data, marker: marker, reader: self)
    case 0xC4: try codes.define(data, self)
    case 0xDB: try defineQuantizers(data)
    case 0xDD:
      guard data.count == 2 else { throw failure("a restart interval of \(data.count) bytes") }
      restartInterval = Int(data[0]) << 8 | Int(data[1])
    case 0xDA:
      scanCount += 1
      guard scanCount <= JPEGReader.mostScans else {
        throw failure("more than \(JPEGReader.mostScans) scans")
      }
      try readScan(data)
    default: note(data, marker)
    }
    return true
  }

  /// The content of a segment, behind its length.
  private mutating func segment() throws(Failure) -> UnsafeBufferPointer<UInt8> {
    guard bytes.count - position >= 2 else { throw truncated }
    let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
    guard length >= 2 else { throw failure("a segment of \(length) bytes", expected: "2 or more") }
    guard bytes.count - position >= length else { throw truncated }
    defer { position += length }
    return UnsafeBufferPointer(rebasing: bytes[position + 2..<position + length])
  }

  private func unsupportedFrame(_ marker: UInt8) -> Failure {
    let kind =
      switch marker {
      case 0xC3: "lossless JPEG pictures are"
      case 0xC9, 0xCA: "JPEG pictures with arithmetic coding are"
      case 0xCB: "lossless JPEG pictures with arithmetic coding are"
      default: "hierarchical JPEG pictures are"
      }
    return failure(
      "\(kind) not read (SOF\(marker - 0xC0))", expected: "baseline, extended or progressive",
      remedy: "convert it, as by 'djpeg' or 'jpegtran'")
  }

  /// What comments and the segments of applications tell of the picture.
  private mutating func note(_ data: UnsafeBufferPointer<UInt8>, _ marker: UInt8) {
    switch marker {
    case 0xE0 where data.count >= 14 && data.starts(with: Array("JFIF\0".utf8)): hasJFIF = true
    case 0xE1 where !hasEXIF && data.starts(with: EXIF.prefix):
      hasEXIF = true
      orientation = EXIF.orientation(Array(data)[...])
    case 0xEE where data.count >= 12 && data.starts(with: Array("Adobe".utf8)):
      adobeTransform = data[11]
    default: break
    }
  }

  private mutating func defineQuantizers(
    _ data: UnsafeBufferPointer<UInt8>
  ) throws(Failure) {
    var offset = 0
    while offset < data.count {
      let (index, size) = (Int(data[offset] & 15), data[offset] >> 4 == 0 ? 1 : 2)
      guard index < 4, data.count - offset > 64 * size else {
        throw failure("a damaged table of quantizers")
      }
      var table = [UInt16](repeating: 0, count: 64)
      for place in 0..<64 {
        let start = offset + 1 + place * size
        table[Int(JPEG.zigzag[place])] =
          size == 1 ? UInt16(data[start]) : UInt16(data[start]) << 8 | UInt16(data[start + 1])
      }
      quantizers[index] = table
      offset += 1 + 64 * size
    }
  }
}
