import Autodiff
import Files
import Settings

extension FaissFile {
  public static func read(_ path: String) throws(Failure) -> any VectorIndex {
    try index(try FileSystem.read(path), at: path)
  }

  /// Reads an index; what follows it in the file is not read, as in FAISS.
  ///
  /// - Parameter place: the file that the bytes came from, for messages.
  public static func index(_ bytes: [UInt8], at place: String) throws(Failure) -> any VectorIndex {
    var reader = FaissReader(bytes, at: place)
    return try reader.index(depth: 0)
  }

  /// The marks of indexes that are read.
  static let marks = [
    "IxFI", "IxF2", "IxMp", "IxM2", "IxPT", "IxRF", "IxSQ", "IHNf", "IwFl", "IxPq",
  ]
}

/// Reads the parts of FAISS files.
struct FaissReader {
  struct Header {
    let dimension, count: Int
    let metric: ExactIndex.Metric
  }

  var reader: ByteReader
  private let place: String

  init(_ bytes: [UInt8], at place: String) {
    (reader, self.place) = (ByteReader(bytes, at: place), place)
  }

  /// An index, which others may lie in.
  mutating func index(depth: Int) throws(Failure) -> any VectorIndex {
    let mark = String(decoding: try reader.bytes(4, of: "the index's mark"), as: UTF8.self)
    guard FaissFile.marks.contains(mark), depth < 8 else {
      throw Failure(
        .badData, at: place, "this is not a FAISS index that is known here",
        expected: "one that begins with " + FaissFile.marks.joined(separator: ", "),
        remedy: "export it with kindred, or write a flat or an HNSW index with FAISS")
    }
    let header = try header()
    switch mark {
    case "IxFI", "IxF2": return try flat(header, mark)
    case "IxMp", "IxM2":
      let base = try inner(depth, fitting: header)
      let ids: [Int64] = try list("ids")
      guard ids.count == base.count else {
        throw reader.failure("\(ids.count) ids follow", expected: "\(base.count)")
      }
      return IdentifiedIndex(base, ids: ids.map { Int($0) }, isTwoWay: mark == "IxM2")
    case "IxPT": return try transformed(header, depth)
    case "IxRF":
      let base = try inner(depth, fitting: header)
      guard let exact = try inner(depth, fitting: header) as? ExactIndex,
        exact.count == base.count
      else { throw reader.failure("the exact vectors are no flat index of as many") }
      let factor = Float(bitPattern: try reader.littleEndian(of: "a factor"))
      return RefinedIndex(base, exact: exact, factor: Int(min(1000, max(1, factor))))
    case "IxSQ": return try scalar(header)
    case "IwFl": return try invertedLists(header, depth)
    case "IxPq": return try productQuantized(header)
    default: return try hnsw(header, depth)
    }
  }

  func failure(_ found: String, expected: String = "") -> Failure {
    reader.failure(found, expected: expected, remedy: "the file is damaged")
  }

  private mutating func header() throws(Failure) -> Header {
    let dimension: Int32 = try reader.littleEndian(of: "the dimension")
    let count: Int64 = try reader.littleEndian(of: "the number of vectors")
    try reader.skip(17, of: "the header")
    let metric: Int32 = try reader.littleEndian(of: "the metric")
    guard dimension > 0, Int(dimension) <= FaissWriter.largestDimension,
      (0..<Int64(HNSWIndex.largestCount)).contains(count), metric == 0 || metric == 1
    else {
      throw failure(
        "the header has \(count) vectors of dimension \(dimension) and metric \(metric)",
        expected: "a dimension of 1 to \(FaissWriter.largestDimension) and metric 0 or 1")
    }
    return Header(
      dimension: Int(dimension), count: Int(count), metric: metric == 0 ? .innerProduct : .l2)
  }

  /// The number of elements, then the elements; no memory is taken before they are known to follow.
  mutating func list<T: BitwiseCopyable>(_ what: String) throws(Failure) -> [T] {
    let count: UInt64 = try reader.littleEndian(of: "the number of \(what)")
    let size = MemoryLayout<T>.stride
    guard count <= UInt64(reader.remaining / size) else {
      throw failure(
        "\(count) \(what) are announced and \(reader.remaining / size) follow")
    }
    let bytes = try reader.bytes(Int(count) * size, of: what)
    return [T](unsafeUninitializedCapacity: Int(count)) { elements, filled in
      UnsafeMutableRawBufferPointer(elements).copyBytes(from: bytes)
      filled = Int(count)
    }
  }

  mutating func floats(_ count: Int, times width: Int, _ what: String) throws(Failure) -> [Float] {
    let values: [Float] = try list(what)
    let (total, overflow) = count.multipliedReportingOverflow(by: width)
    guard !overflow, total == values.count else {
      throw failure("there are \(values.count) \(what)", expected: "\(count) × \(width)")
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw Failure(
        .badData, at: "\(place): \(what)", "number \(bad) is not finite",
        remedy: "remove the vector or mend it")
    }
    return values
  }

  /// An index within another, of the same count and width.
  mutating func inner(_ depth: Int, fitting header: Header) throws(Failure) -> any VectorIndex {
    let base = try index(depth: depth + 1)
    guard base.dimension == header.dimension, base.count == header.count else {
      throw failure(
        "an inner index has \(base.count) vectors of dimension \(base.dimension)",
        expected: "\(header.count) of \(header.dimension)")
    }
    return base
  }

  private mutating func flat(_ header: Header, _ mark: String) throws(Failure) -> ExactIndex {
    guard header.metric == (mark == "IxFI" ? .innerProduct : .l2) else {
      throw failure("the metric does not belong to \(mark)")
    }
    let values = try floats(header.count, times: header.dimension, "floats")
    return try ExactIndex(
      Tensor(values, shape: [header.count, header.dimension]), metric: header.metric, name: place)
  }

  private mutating func transformed(_ header: Header, _ depth: Int) throws(Failure)
    -> TransformedIndex
  {
    let number: Int32 = try reader.littleEndian(of: "the number of transforms")
    guard (0...16).contains(number) else { throw failure("there are \(number) transforms") }
    var transforms: [VectorTransform] = []
    var width = header.dimension
    for _ in 0..<number {
      let transform = try transform()
      guard transform.inputs == width else {
        throw failure("a transform takes \(transform.inputs) numbers", expected: "\(width)")
      }
      width = transform.outputs
      transforms.append(transform)
    }
    let base = try inner(
      depth, fitting: Header(dimension: width, count: header.count, metric: header.metric))
    return TransformedIndex(transforms, base)
  }

  private mutating func transform() throws(Failure) -> VectorTransform {
    let mark = String(decoding: try reader.bytes(4, of: "a transform's mark"), as: UTF8.self)
    var (matrix, bias, hasBias): ([Float], [Float], UInt8) = ([], [], 0)
    switch mark {
    case "LTra", "rrot", "PcAm", "Pcam":
      if mark.lowercased() == "pcam" {
        // Settings, of which the newer mark has one more; the matrix has what they tell.
        try reader.skip(mark == "Pcam" ? 13 : 9, of: "settings")
        for what in ["means", "eigenvalues", "directions"] {
          _ = try list(what) as [Float]
        }
      }
      hasBias = try reader.littleEndian(of: "a flag")
      matrix = try list("weights")
      bias = try list("biases")
    case "VCnt":
      let mean: [Float] = try list("means")
      return try centering(mean)
    case "VNrm":
      let norm = Float(bitPattern: try reader.littleEndian(of: "a norm"))
      guard norm == 2 else { throw failure("the norm is \(norm)", expected: "2") }
    default:
      throw failure("there is a transform '\(mark)'", expected: "LTra, rrot, Pcam, VCnt or VNrm")
    }
    let inputs = Int(try reader.littleEndian(Int32.self, of: "a width"))
    let outputs = Int(try reader.littleEndian(Int32.self, of: "a width"))
    try reader.skip(1, of: "a flag")
    let widths = 1...FaissWriter.largestDimension
    guard widths.contains(inputs), widths.contains(outputs) else {
      throw failure("a transform is from \(inputs) to \(outputs) numbers")
    }
    if mark == "VNrm" {
      guard inputs == outputs else { throw failure("a normalisation changes the width") }
      return .unitLength(inputs)
    }
    guard matrix.count == inputs * outputs, bias.count == (hasBias == 0 ? 0 : outputs),
      matrix.allSatisfy(\.isFinite), bias.allSatisfy(\.isFinite)
    else {
      throw failure(
        "a transform has \(matrix.count) weights and \(bias.count) biases",
        expected: "finite ones, \(outputs) × \(inputs)")
    }
    return .linear(
      Tensor(matrix, shape: [outputs, inputs]), bias: hasBias == 0 ? nil : bias)
  }

  /// The taking away of a mean.
  private mutating func centering(_ mean: [Float]) throws(Failure) -> VectorTransform {
    let inputs = Int(try reader.littleEndian(Int32.self, of: "a width"))
    let outputs = Int(try reader.littleEndian(Int32.self, of: "a width"))
    try reader.skip(1, of: "a flag")
    guard mean.count == inputs, inputs == outputs, (1...1 << 13).contains(inputs),
      mean.allSatisfy(\.isFinite)
    else {
      throw failure(
        "a mean of \(mean.count) numbers for vectors of \(inputs)",
        expected: "as many finite ones, at most \(1 << 13)")
    }
    let identity = Tensor.identity(inputs, inputs).converted(to: .float32)
    return .linear(identity, bias: mean.map { 0 - $0 })
  }

  private mutating func scalar(_ header: Header) throws(Failure) -> ScalarIndex {
    let type: Int32 = try reader.littleEndian(of: "the quantiser")
    try reader.skip(8, of: "the quantiser")
    let (width, size): (UInt64, UInt64) = (
      try reader.littleEndian(of: "a width"), try reader.littleEndian(of: "a size")
    )
    guard type == 0, width == header.dimension, size == header.dimension else {
      throw failure(
        "the scalar quantiser is of type \(type) with \(size) bytes",
        expected: "type 0 with \(header.dimension)")
    }
    let ranges = try floats(2, times: header.dimension, "ranges")
    let codes: [UInt8] = try list("codes")
    guard codes.count == header.count * header.dimension else {
      throw failure("there are \(codes.count) codes", expected: "\(header.count) rows of them")
    }
    return ScalarIndex(
      metric: header.metric, least: Array(ranges[..<header.dimension]),
      ranges: Array(ranges[header.dimension...]), codes: codes)
  }
}
