import Autodiff
import Files
import Settings

/// Files of USearch, version 2.
///
/// Layout, little endian: rows and bytes a row (4 bytes each), then the rows; a head of 64 bytes
/// with the mark, version, metric, kinds of numbers, keys and slots, and counts; size, M, 2 M,
/// highest level and entry (8 bytes each); the level of each node (2 bytes); for each node its key
/// (8 bytes), its level, and its lists: the number of links, then room for 2 M of them on the
/// ground and M above.
public enum USearchFile {
  private static let mark = "usearch"
  private static let (headSize, float32, wideKey, slot) = (64, UInt8(11), UInt8(14), UInt8(15))

  /// - Parameter ids: the key of each vector; its row if there are none.
  public static func bytes(_ index: HNSWIndex, ids: [Int]? = nil) throws(Failure) -> [UInt8] {
    guard index.liveCount == index.count else {
      throw Failure(
        .badData, at: "usearch", "\(index.count - index.liveCount) vectors are marked as deleted",
        expected: "none", remedy: "build the index anew")
    }
    let (n, links) = (index.count, index.settings.links)
    var writer = ByteWriter()
    writer.littleEndian(UInt32(n))
    writer.littleEndian(UInt32(4 * index.dimension))
    writer.elements(index.vectorBlock.elements)
    writer.append(mark)
    for number in [2, 21, 0] { writer.littleEndian(UInt16(number)) }
    let metric = index.metric == .innerProduct ? UInt8(ascii: "i") : UInt8(ascii: "e")
    writer.append([metric, float32, wideKey, slot])
    for number in [n, 0, index.dimension] { writer.littleEndian(UInt64(number)) }
    writer.append(Array(repeating: 0, count: headSize - 41))
    for number in [n, links, 2 * links, index.topLevel, Int(index.entry)] {
      writer.littleEndian(UInt64(number))
    }
    for level in index.levels.elements { writer.littleEndian(Int16(level)) }
    index.withGraph { graph in
      for node in 0..<UInt32(n) {
        writer.littleEndian(UInt64(bitPattern: Int64(ids?[Int(node)] ?? Int(node))))
        writer.littleEndian(Int16(index.levels[Int(node)]))
        for level in 0...Int(index.levels[Int(node)]) {
          let list = graph.list(node, level: level)
          writer.littleEndian(list[0])
          for i in 0..<graph.capacity(level: level) {
            writer.littleEndian(i < Int(list[0]) ? list[1 + i] : 0)
          }
        }
      }
    }
    return writer.bytes
  }

  /// Whether the head lies where the vectors end.
  static func isLikely(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= 8 else { return false }
    let rows = UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self))
    let size = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    let (vectors, overflow) = Int(rows).multipliedReportingOverflow(by: Int(size))
    guard !overflow, vectors <= bytes.count - 8 - mark.utf8.count else { return false }
    let start = 8 + vectors
    return bytes[start..<start + mark.utf8.count].elementsEqual(mark.utf8)
  }

  /// Reads a file of float32 vectors; keys that are not the row numbers become ids, and cosines are
  /// inner products of what was brought to unit length.
  public static func read(_ path: String) throws(Failure) -> any VectorIndex {
    let bytes = try FileSystem.read(path)
    guard bytes.withUnsafeBytes({ isLikely($0) }) else {
      throw Failure(.badData, at: path, "this is not an index of USearch")
    }
    var reader = ByteReader(bytes, at: path)
    let rows = Int(try reader.littleEndian(UInt32.self, of: "the number of rows"))
    let size = Int(try reader.littleEndian(UInt32.self, of: "the size of a row"))
    let vectors = try reader.bytes(rows * size, of: "vectors")
    let head = try Head(&reader)
    guard head.isKnown, size == 4 * head.dimension, head.dimension > 0, head.deleted == 0 else {
      throw reader.failure(
        "the index has \(head.dimension) columns in \(size) bytes, \(head.deleted) deleted vectors "
          + "and kinds \(head.kinds)",
        expected: "float32 vectors with inner product, cosine or squared distance, none deleted",
        remedy: "make the index with dtype='f32'")
    }
    var numbers: [UInt64] = []
    for _ in 0..<5 { numbers.append(try reader.littleEndian(of: "the graph's head")) }
    guard numbers[0] == rows, rows < HNSWIndex.largestCount, (2...256).contains(numbers[1]),
      numbers[2] == 2 * numbers[1], numbers[3] <= HNSWParts.highestLevel, numbers[4] <= rows,
      rows <= reader.remaining / 2
    else {
      throw reader.failure(
        "the graph has \(numbers[0]) nodes with \(numbers[1]) and \(numbers[2]) links",
        expected: "\(rows) nodes with M from 2 to 256 and 2 M links",
        remedy: "the file is damaged, or its connectivity_base is not twice its connectivity")
    }
    var settings = HNSWSettings()
    settings.links = Int(numbers[1])
    var parts = HNSWParts(count: rows, dimension: head.dimension, settings: settings)
    let isCosine = head.kinds[0] == UInt8(ascii: "c")
    parts.setVectors(bytes: vectors)
    if isCosine { parts.normalize() }
    try reader.skip(2 * rows, of: "levels")
    var ids: [Int] = []
    for node in 0..<rows {
      ids.append(Int(try reader.littleEndian(Int64.self, of: "a key")))
      let level = Int(try reader.littleEndian(Int16.self, of: "a level"))
      guard (0...HNSWParts.highestLevel).contains(level) else {
        throw reader.failure("node \(node) is on level \(level)", remedy: "the file is damaged")
      }
      parts.setLevel(node, level)
      for step in 0...level {
        let room = (step == 0 ? 2 : 1) * settings.links
        let count: UInt32 = try reader.littleEndian(of: "the number of links")
        parts.setList(node, level: step, try reader.links(count, room: room))
      }
    }
    guard reader.remaining == 0 else {
      throw reader.failure("\(reader.remaining) bytes follow the index", expected: "nothing")
    }
    let graph = try parts.finished(
      metric: head.metric, entry: rows == 0 ? 0 : UInt32(numbers[4]),
      topLevel: rows == 0 ? 0 : Int(numbers[3]), at: path)
    let index = IdentifiedIndex.around(graph, ids: ids)
    return isCosine ? TransformedIndex([.unitLength(head.dimension)], index) : index
  }

  /// What the head of 64 bytes tells.
  private struct Head {
    let kinds: [UInt8]
    let dimension, deleted: Int
    private let version: UInt16

    init(_ reader: inout ByteReader) throws(Failure) {
      try reader.skip(7, of: "the mark")
      version = try reader.littleEndian(of: "the version")
      try reader.skip(4, of: "the version")
      kinds = Array(try reader.bytes(4, of: "kinds"))
      try reader.skip(8, of: "a count")
      deleted = Int(truncatingIfNeeded: try reader.littleEndian(UInt64.self, of: "a count"))
      let columns: UInt64 = try reader.littleEndian(of: "the dimension")
      dimension = columns <= 1 << 24 ? Int(columns) : 0
      try reader.skip(headSize - 41, of: "the head")
    }

    var metric: ExactIndex.Metric { kinds[0] == UInt8(ascii: "e") ? .l2 : .innerProduct }

    /// Whether numbers, keys and slots are of kinds that are read; cosines are inner products of
    /// the rows, which then must have unit length.
    var isKnown: Bool {
      version == 2 && "ice".utf8.contains(kinds[0]) && kinds[1...] == [float32, wideKey, slot]
    }
  }
}

extension ByteReader {
  /// The number of links, then the room for links, as graphs keep them.
  mutating func links(_ number: UInt32, room: Int) throws(Failure) -> [UInt32] {
    guard number <= room else {
      throw failure(
        "a node has \(number) links", expected: "at most \(room)", remedy: "the file is damaged")
    }
    let bytes = try bytes(4 * room, of: "links")
    return bytes.withUnsafeBytes { bytes in
      [number]
        + (0..<room).map {
          UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))
        }
    }
  }
}
