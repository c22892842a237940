import Autodiff
import Files
import Settings

/// Files of our own graphs, which are searched where they lie.
///
/// Layout, little endian: the mark `KNDRHNSW`; version, metric (0 inner product, 1 distance), M and
/// the highest level (4 bytes each); entry, order (4 bytes each); vectors, columns, upper lists,
/// efConstruction, seed and deletion words (8 bytes each); a CRC-32 for each part and for these 100
/// bytes. The parts begin at multiples of 64 bytes: vectors (float32), ground lists, upper lists
/// (each the number of links, then 2 M or M of them), levels (a byte each), deletions (a bit each).
extension HNSWIndex {
  static let mark = "KNDRHNSW"
  private static let headerSize = 124

  public func bytes() throws(Failure) -> [UInt8] {
    let parts = [
      UnsafeRawBufferPointer(vectorBlock.elements), UnsafeRawBufferPointer(ground.elements),
      UnsafeRawBufferPointer(upper.elements), UnsafeRawBufferPointer(levels.elements),
    ]
    let marks = deletions ?? []
    var writer = ByteWriter()
    writer.append(HNSWIndex.mark)
    let order = HNSWOrder.allCases.firstIndex(of: settings.order) ?? 0
    for number in [1, metric == .innerProduct ? 0 : 1, settings.links, topLevel, Int(entry), order]
    {
      writer.littleEndian(UInt32(number))
    }
    let upperLists = upper.count / (1 + settings.links)
    for number in [
      count, dimension, upperLists, settings.efConstruction, settings.seed, marks.count,
    ] { writer.littleEndian(UInt64(number)) }
    for part in parts { writer.littleEndian(CRC32.of(part)) }
    writer.littleEndian(marks.withUnsafeBytes { CRC32.of($0) })
    while writer.bytes.count < HNSWIndex.headerSize - 4 { writer.append([0]) }
    writer.littleEndian(CRC32.of(writer.bytes[...]))
    for part in parts {
      writer.pad(to: 64)
      writer.append(part)
    }
    writer.pad(to: 64)
    writer.elements(marks)
    withExtendedLifetime(self) {}
    return writer.bytes
  }

  public func write(to path: String) throws(Failure) { try FileSystem.write(try bytes(), to: path) }

  /// Opens a file without copying it.
  ///
  /// - Throws: unless the checksums are right and all links lead to nodes of their level.
  public static func read(_ path: String) throws(Failure) -> HNSWIndex {
    let file = try MappedFile(path)
    var reader = ByteReader(Array(file.bytes.prefix(headerSize)), at: path)
    guard try reader.bytes(8, of: "the index's mark").elementsEqual(mark.utf8) else {
      throw Failure(
        .badData, at: path, "this is not an HNSW index of Kindred",
        expected: "a file that begins with \(mark)")
    }
    var small: [Int] = []
    for _ in 0..<6 { small.append(Int(try reader.littleEndian(UInt32.self, of: "the header"))) }
    var large: [Int] = []
    for place in 0..<6 {
      let number: UInt64 = try reader.littleEndian(of: "the header")
      // All but the seed are counts.
      guard number <= (place == 4 ? UInt64(Int64.max) : 1 << 40) else {
        throw reader.failure("the header has the number \(number)", remedy: "the file is damaged")
      }
      large.append(Int(number))
    }
    var checksums: [UInt32] = []
    for _ in 0..<5 { checksums.append(try reader.littleEndian(of: "a checksum")) }
    try reader.skip(headerSize - 4 - reader.offset, of: "the header")
    let expected = CRC32.of(reader.bytes[..<(headerSize - 4)])
    guard try reader.littleEndian(UInt32.self, of: "a checksum") == expected else {
      throw Failure(
        .badData, at: path, "the checksum of the header is wrong", remedy: "the file is damaged")
    }
    let order = HNSWOrder.allCases.indices.contains(small[5]) ? HNSWOrder.allCases[small[5]] : nil
    guard small[0] == 1, small[1] < 2, let order, (1...Tensor.mostColumns).contains(large[1]),
      large[0] < largestCount
    else {
      throw Failure(
        .badData, at: path, "the header is of version \(small[0]) or has impossible numbers",
        expected: "version 1")
    }
    let settings = try HNSWSettings(
      links: small[2], efConstruction: large[3], order: order, seed: large[4], at: path)
    var parts = PartReader(file: file, offset: headerSize, checksums: checksums, path: path)
    let (count, links) = (large[0], settings.links)
    let index = HNSWIndex(
      metric: small[1] == 0 ? .innerProduct : .l2, dimension: large[1], settings: settings,
      vectors: try parts.next(Float.self, count, times: large[1], "vectors"),
      ground: try parts.next(UInt32.self, count, times: 1 + 2 * links, "links"),
      upper: try parts.next(UInt32.self, large[2], times: 1 + links, "upper links"),
      levels: try parts.next(UInt8.self, count, times: 1, "levels"),
      deletions: try parts.next(UInt64.self, large[5], times: 1, "deletions"),
      entry: UInt32(small[4]), topLevel: small[3])
    guard parts.offset == file.bytes.count else {
      throw Failure(
        .badData, at: path, "\(file.bytes.count - parts.offset) bytes follow the index",
        expected: "nothing")
    }
    try index.check(at: path)
    return index
  }

  private init(
    metric: ExactIndex.Metric, dimension: Int, settings: HNSWSettings, vectors: Block<Float>,
    ground: Block<UInt32>, upper: Block<UInt32>, levels: Block<UInt8>, deletions: Block<UInt64>,
    entry: UInt32, topLevel: Int
  ) {
    self.init(
      metric: metric, dimension: dimension, settings: settings, vectors: vectors, levels: levels,
      ground: ground, upper: upper, upperStart: Block(HNSWIndex.upperStarts(levels.elements)),
      deletions: deletions.count == 0 ? nil : Array(deletions.elements), entry: entry,
      topLevel: topLevel)
  }
}

/// Reads one part after another, with its checksum.
private struct PartReader {
  let file: MappedFile
  var offset: Int
  let checksums: [UInt32]
  let path: String
  private var part = 0

  init(file: MappedFile, offset: Int, checksums: [UInt32], path: String) {
    (self.file, self.offset, self.checksums, self.path) = (file, offset, checksums, path)
  }

  mutating func next<T: BitwiseCopyable>(
    _: T.Type, _ count: Int, times width: Int, _ what: String
  ) throws(Failure) -> Block<T> {
    let start = (offset + 63) / 64 * 64
    let (total, overflow) = count.multipliedReportingOverflow(by: width)
    let room = file.bytes.count - start
    guard !overflow, room >= 0, total <= room / MemoryLayout<T>.stride else {
      throw Failure(
        .badData, at: "\(path): byte \(start)", "\(max(0, room)) bytes follow",
        expected: "\(count) × \(width) \(what)", remedy: "the file is cut short or damaged")
    }
    offset = start + total * MemoryLayout<T>.stride
    guard CRC32.of(UnsafeRawBufferPointer(rebasing: file.bytes[start..<offset])) == checksums[part]
    else {
      throw Failure(
        .badData, at: "\(path): byte \(start)", "the checksum of the \(what) is wrong",
        remedy: "the file is damaged")
    }
    part += 1
    return Block(file, offset: start, count: total)
  }
}
