import Autodiff
import Files
import Settings

/// FAISS files of flat indexes: `IxFI` for inner products, `IxF2` for distances.
///
/// Layout: the mark; dimension (int32); count (int64); two fillers (int64); whether trained (1
/// byte); metric (int32: 0 inner product, 1 distance); number of floats (int64); the floats by rows.
/// What follows a flat index in a file is not read, as in FAISS.
public enum FaissFlat {
  private static let filler: Int64 = 1 << 20
  private static let largestDimension = 1 << 20

  /// - Throws: if the vectors are longer than the library reads.
  public static func bytes(_ index: ExactIndex) throws(Failure) -> [UInt8] {
    guard index.dimension <= largestDimension else {
      throw Failure(
        .badData, at: "faiss-flat", "the vectors have \(index.dimension) columns",
        expected: "at most \(largestDimension)")
    }
    var writer = ByteWriter()
    writer.append(index.metric == .innerProduct ? "IxFI" : "IxF2")
    writer.littleEndian(Int32(index.dimension))
    writer.littleEndian(Int64(index.count))
    writer.littleEndian(filler)
    writer.littleEndian(filler)
    writer.append([1])
    writer.littleEndian(Int32(index.metric == .innerProduct ? 0 : 1))
    writer.littleEndian(UInt64(index.vectors.count))
    index.vectors.withElements(of: Float.self) { writer.elements($0) }
    return writer.bytes
  }

  public static func write(_ index: ExactIndex, to path: String) throws(Failure) {
    try FileSystem.write(try bytes(index), to: path)
  }

  public static func read(_ path: String) throws(Failure) -> ExactIndex {
    try index(try FileSystem.read(path), at: path)
  }

  /// - Parameter place: the file that the bytes came from, for messages.
  public static func index(_ bytes: [UInt8], at place: String) throws(Failure) -> ExactIndex {
    var reader = ByteReader(bytes, at: place)
    let mark = String(decoding: try reader.bytes(4, of: "the index's mark"), as: UTF8.self)
    guard ["IxFI", "IxF2"].contains(mark) else {
      throw Failure(
        .badData, at: place, "this is not a flat FAISS index",
        expected: "a file that begins with IxFI or IxF2",
        remedy: "export it with --format faiss-flat, or write it from IndexFlatIP or IndexFlatL2")
    }
    let dimension: Int32 = try reader.littleEndian(of: "the dimension")
    let count: Int64 = try reader.littleEndian(of: "the number of vectors")
    try reader.skip(17, of: "the header")
    let metric: Int32 = try reader.littleEndian(of: "the metric")
    let floats: Int64 = try reader.littleEndian(of: "the number of floats")
    guard dimension > 0, Int(dimension) <= largestDimension, count >= 0 else {
      throw reader.failure(
        "the header has \(count) vectors of dimension \(dimension)",
        expected: "a dimension of 1 to \(largestDimension) and a count of 0 or more")
    }
    guard metric == (mark == "IxFI" ? 0 : 1) else {
      throw reader.failure("the metric \(metric) does not belong to \(mark)")
    }
    let (total, overflow) = Int(count).multipliedReportingOverflow(by: Int(dimension))
    guard !overflow, total == floats, total <= reader.remaining / 4 else {
      throw reader.failure(
        "\(floats) floats are announced and \(reader.remaining / 4) follow",
        expected: "\(count) × \(dimension)", remedy: "the file is cut short or damaged")
    }
    let data = try reader.bytes(total * 4, of: "vectors")
    let vectors = Tensor(shape: [Int(count), Int(dimension)], of: Float.self) { elements in
      UnsafeMutableRawBufferPointer(elements).copyBytes(from: data)
    }
    return try ExactIndex(vectors, metric: mark == "IxFI" ? .innerProduct : .l2, name: place)
  }
}
