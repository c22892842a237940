import Autodiff
import Files
import Settings

/// An index that has a form in FAISS files.
protocol FaissWritable: VectorIndex {
  func append(to writer: inout FaissWriter) throws(Failure)
}

/// Writes what all FAISS indexes begin with, and lists with their lengths.
struct FaissWriter {
  static let largestDimension = 1 << 20

  var out = ByteWriter()

  /// The mark, then dimension, count, two fillers, whether trained, and metric.
  mutating func begin(
    _ mark: String, dimension: Int, count: Int, metric: ExactIndex.Metric
  ) throws(Failure) {
    guard dimension <= FaissWriter.largestDimension else {
      throw Failure(
        .badData, at: "faiss", "the vectors have \(dimension) columns",
        expected: "at most \(FaissWriter.largestDimension)")
    }
    out.append(mark)
    out.littleEndian(Int32(dimension))
    out.littleEndian(Int64(count))
    for _ in 0..<2 { out.littleEndian(Int64(1 << 20)) }
    out.append([1])
    out.littleEndian(Int32(metric == .innerProduct ? 0 : 1))
  }

  /// The number of elements, then the elements.
  mutating func list<T: BitwiseCopyable>(_ elements: [T]) {
    out.littleEndian(UInt64(elements.count))
    out.elements(elements)
  }

  mutating func list(_ tensor: Tensor) {
    out.littleEndian(UInt64(tensor.count))
    tensor.withElements(of: Float.self) { out.elements($0) }
  }

  mutating func append(_ index: any VectorIndex) throws(Failure) {
    guard let known = index as? any FaissWritable else {
      throw Failure(
        .badData, at: "faiss", "an index of this kind has no form in FAISS",
        remedy: "export another format")
    }
    try known.append(to: &self)
  }
}

/// FAISS files of any index that has a form there.
public enum FaissFile {
  public static func bytes(_ index: any VectorIndex) throws(Failure) -> [UInt8] {
    var writer = FaissWriter()
    try writer.append(index)
    return writer.out.bytes
  }

  public static func write(_ index: any VectorIndex, to path: String) throws(Failure) {
    try FileSystem.write(try bytes(index), to: path)
  }
}

extension ExactIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin(
      metric == .innerProduct ? "IxFI" : "IxF2", dimension: dimension, count: count,
      metric: metric)
    writer.list(vectors)
  }
}

extension IdentifiedIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin(
      isTwoWay ? "IxM2" : "IxMp", dimension: dimension, count: count, metric: metric)
    try writer.append(base)
    writer.list(ids.map { Int64($0) })
  }
}

extension TransformedIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin("IxPT", dimension: dimension, count: count, metric: metric)
    writer.out.littleEndian(Int32(transforms.count))
    for transform in transforms {
      switch transform {
      case .linear(let matrix, let bias):
        writer.out.append("LTra")
        writer.out.append([bias == nil ? 0 : 1])
        writer.list(matrix)
        writer.list(bias ?? [])
      case .unitLength:
        writer.out.append("VNrm")
        writer.out.float(2)
      }
      writer.out.littleEndian(Int32(transform.inputs))
      writer.out.littleEndian(Int32(transform.outputs))
      writer.out.append([1])
    }
    try writer.append(base)
  }
}

extension RefinedIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin("IxRF", dimension: dimension, count: count, metric: metric)
    try writer.append(base)
    try writer.append(exact)
    writer.out.float(Float(factor))
  }
}

extension ScalarIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    try writer.begin("IxSQ", dimension: dimension, count: count, metric: metric)
    // A byte for each number, ranges from the least to the largest number of each column.
    writer.out.littleEndian(Int32(0))
    writer.out.littleEndian(Int32(0))
    writer.out.float(0)
    writer.out.littleEndian(UInt64(dimension))
    writer.out.littleEndian(UInt64(dimension))
    writer.list(least + ranges)
    writer.list(codes)
  }
}

extension HNSWIndex: FaissWritable {
  func append(to writer: inout FaissWriter) throws(Failure) {
    guard deletions == nil else {
      throw Failure(
        .badData, at: "faiss-hnsw", "\(count - liveCount) vectors are marked as deleted",
        expected: "none, since FAISS has no such marks", remedy: "build the index anew")
    }
    let (links, top) = (settings.links, HNSWIndex.highestLevel(links: settings.links))
    guard topLevel <= top else {
      throw Failure(
        .badData, at: "faiss-hnsw", "the graph has \(topLevel) levels",
        expected: "at most \(top) for \(links) links")
    }
    try writer.begin("IHNf", dimension: dimension, count: count, metric: metric)
    var share = 1 - 1 / Double(links)
    var shares: [Double] = []
    for _ in 0...top {
      shares.append(Double(Float(share)))
      share /= Double(links)
    }
    writer.list(shares)
    let widths = [Int32(0)] + (0...top).map { Int32((2 + $0) * links) }
    writer.list(widths)
    writer.list(levels.elements.map { Int32($0) + 1 })
    var (offsets, neighbors): ([UInt64], [Int32]) = ([0], [])
    withGraph { graph in
      for node in 0..<UInt32(count) {
        for level in 0...Int(levels[Int(node)]) {
          let list = graph.list(node, level: level)
          for i in 0..<graph.capacity(level: level) {
            neighbors.append(i < Int(list[0]) ? Int32(list[1 + i]) : -1)
          }
        }
        offsets.append(UInt64(neighbors.count))
      }
    }
    writer.list(offsets)
    writer.list(neighbors)
    let last = [count == 0 ? -1 : Int(entry), count == 0 ? -1 : topLevel, settings.efConstruction]
    for number in last + [64, 1] { writer.out.littleEndian(Int32(number)) }
    try writer.append(ExactIndex(vectors, metric: metric))
  }
}
