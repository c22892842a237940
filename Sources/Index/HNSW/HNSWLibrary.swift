import Autodiff
import Files
import Foundation
import Settings

/// Files of hnswlib, which tell neither the metric nor whether rows have unit length.
///
/// Layout, little endian: a header of 96 bytes; for each vector its ground links (count in 2 bytes,
/// flags in 2, room for 2 M links), its numbers and its label (8 bytes); then for each vector the
/// bytes of its upper lists and these (count, M links).
public enum HNSWLibrary {
  private static let headerSize = 96

  /// - Parameter ids: the label of each vector; its row if there are none.
  public static func bytes(_ index: HNSWIndex, ids: [Int]? = nil) -> [UInt8] {
    let (links, d) = (index.settings.links, index.dimension)
    let vectorOffset = 4 + 8 * links
    let labelOffset = vectorOffset + 4 * d
    var writer = ByteWriter()
    for number in [0, index.count, index.count, labelOffset + 8, labelOffset, vectorOffset] {
      writer.littleEndian(UInt64(number))
    }
    writer.littleEndian(Int32(index.count == 0 ? -1 : index.topLevel))
    writer.littleEndian(index.count == 0 ? UInt32.max : index.entry)
    for number in [links, 2 * links, links] { writer.littleEndian(UInt64(number)) }
    writer.double(1 / log(Double(links)))
    writer.littleEndian(UInt64(index.settings.efConstruction))
    index.withGraph { graph in
      for node in 0..<UInt32(index.count) {
        append(
          graph.list(node, level: 0), room: 2 * links, to: &writer,
          flags: graph.isDeleted(node) ? 1 : 0)
        writer.elements(UnsafeBufferPointer(start: graph.vector(node), count: d))
        writer.littleEndian(UInt64(bitPattern: Int64(ids?[Int(node)] ?? Int(node))))
      }
      for node in 0..<UInt32(index.count) {
        let level = Int(index.levels[Int(node)])
        writer.littleEndian(UInt32(level * (4 + 4 * links)))
        for level in 1..<max(1, level + 1) {
          append(graph.list(node, level: level), room: links, to: &writer, flags: 0)
        }
      }
    }
    return writer.bytes
  }

  private static func append(
    _ list: UnsafePointer<UInt32>, room: Int, to writer: inout ByteWriter, flags: UInt16
  ) {
    writer.littleEndian(UInt16(list[0]))
    writer.littleEndian(flags)
    for i in 0..<room { writer.littleEndian(i < Int(list[0]) ? list[1 + i] : 0) }
  }

  /// Whether bytes look like such a file: the header's offsets agree with each other.
  static func isLikely(_ header: UnsafeRawBufferPointer) -> Bool {
    guard header.count >= headerSize else { return false }
    func number(_ place: Int) -> UInt64 {
      UInt64(littleEndian: header.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self))
    }
    let (size, label, vector, links) = (number(3), number(4), number(5), number(7))
    return number(0) == 0 && links > 0 && links < 1 << 16 && number(8) == 2 * links
      && vector == 4 + 8 * links && label > vector && (label - vector) % 4 == 0
      && size == label &+ 8
  }

  /// Reads a file.
  ///
  /// - Parameter metric: what near means, which the file does not tell; without one, inner products
  ///   for rows of unit length, else distances.
  /// - Returns: the graph, and the label of each vector.
  public static func read(
    _ path: String, metric: ExactIndex.Metric? = nil
  ) throws(Failure) -> (index: HNSWIndex, ids: [Int]) {
    let bytes = try FileSystem.read(path)
    var reader = ByteReader(bytes, at: path)
    guard bytes.withUnsafeBytes({ isLikely($0) }) else {
      throw Failure(
        .badData, at: path, "this is not an index of hnswlib",
        expected: "a header of 96 bytes whose sizes agree")
    }
    var sizes: [UInt64] = []
    for _ in 0..<6 { sizes.append(try reader.littleEndian(of: "the header")) }
    let topLevel: Int32 = try reader.littleEndian(of: "the highest level")
    let entry: UInt32 = try reader.littleEndian(of: "the entry")
    try reader.skip(16, of: "the header")
    let links: UInt64 = try reader.littleEndian(of: "M")
    try reader.skip(8, of: "the header")
    let efConstruction: UInt64 = try reader.littleEndian(of: "efConstruction")
    let isWhole =
      sizes[3] > 0 && sizes[2] <= sizes[1] && sizes[2] < HNSWIndex.largestCount
      && sizes[2] <= UInt64(reader.remaining) / sizes[3]
    guard isWhole, (2...256).contains(links), sizes[4] - sizes[5] <= 1 << 24 else {
      throw reader.failure(
        "the header has \(sizes[2]) vectors of \(sizes[3]) bytes with \(links) links",
        expected: "2 to 256 links, and no more vectors than the \(reader.remaining) bytes hold",
        remedy: "the file is cut short or damaged")
    }
    let settings = try HNSWSettings(
      links: Int(links), efConstruction: Int(min(efConstruction, 100_000)), at: path)
    var parts = HNSWParts(
      count: Int(sizes[2]), dimension: Int(sizes[4] - sizes[5]) / 4, settings: settings)
    let room = Int(links)
    var ids: [Int] = []
    for node in 0..<parts.count {
      let header: UInt32 = try reader.littleEndian(of: "a node")
      if header >> 16 & 1 == 1 { parts.delete(node) }
      parts.setList(node, level: 0, try reader.links(header & 0xFFFF, room: 2 * room))
      parts.setVector(node, try reader.bytes(4 * parts.dimension, of: "numbers"))
      let label: Int64 = try reader.littleEndian(of: "a label")
      ids.append(Int(label))
    }
    let listSize = 4 + 4 * Int(links)
    for node in 0..<parts.count {
      let size = Int(try reader.littleEndian(UInt32.self, of: "the size of the upper lists"))
      guard size % listSize == 0, size / listSize <= HNSWParts.highestLevel else {
        throw reader.failure("\(size) bytes of upper lists", expected: "a multiple of \(listSize)")
      }
      parts.setLevel(node, size / listSize)
      for level in 1..<1 + size / listSize {
        let header: UInt32 = try reader.littleEndian(of: "a list")
        parts.setList(node, level: level, try reader.links(header & 0xFFFF, room: room))
      }
    }
    guard reader.remaining == 0 else {
      throw reader.failure("\(reader.remaining) bytes follow the index", expected: "nothing")
    }
    let index = try parts.finished(
      metric: metric, entry: parts.count == 0 ? 0 : entry,
      topLevel: parts.count == 0 ? 0 : Int(topLevel), at: path)
    return (index, ids)
  }
}
