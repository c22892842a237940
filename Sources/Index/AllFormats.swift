import Autodiff
import Files
import Settings

/// A file that an export makes.
public struct ExportedFile: Sendable {
  /// What replaces the ending of the path that was asked for; nil for that path itself.
  public let ending: String?
  public let bytes: [UInt8]

  public init(ending: String? = nil, _ bytes: [UInt8]) {
    (self.ending, self.bytes) = (ending, bytes)
  }
}

/// A file format for vectors.
public struct ExportFormat: Sendable {
  /// What it is and who opens it, in a sentence.
  public let summary: String
  /// How names of such files end, without the dot.
  public let fileExtension: String
  private let files:
    @Sendable (Tensor, ExportOptions, BuildProgress) throws(Failure) -> [ExportedFile]

  /// - Parameter files: the file that was asked for last, so that it is there when all are.
  public init(
    _ summary: String, fileExtension: String,
    files:
      @escaping @Sendable (
        _ vectors: Tensor, ExportOptions, BuildProgress
      ) throws(Failure) -> [ExportedFile]
  ) {
    (self.summary, self.fileExtension, self.files) = (summary, fileExtension, files)
  }

  /// A format of an index over float32 vectors.
  init(
    _ summary: String, fileExtension: String,
    index bytes:
      @escaping @Sendable (
        _ vectors: Tensor, ExactIndex.Metric, ExportOptions, BuildProgress
      ) throws(Failure) -> [UInt8]
  ) {
    self.init(summary, fileExtension: fileExtension) {
      (vectors, options, progress) throws(Failure) in
      let single = vectors.converted(to: .float32)
      return [ExportedFile(try bytes(single, options.metric(for: single), options, progress))]
    }
  }

  /// Writes vectors, each file whole or not at all.
  ///
  /// - Parameter vectors: shape [n, d].
  /// - Throws: if a number is not finite, or a file cannot be written.
  public func write(
    _ vectors: Tensor, options: ExportOptions = ExportOptions(), to path: String,
    name: String = "vectors", onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) {
    _ = try vectors.checkedVectors(name: name)
    var options = options
    options.fileName = String(
      path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...])
    for file in try files(vectors.detached, options, onProgress) {
      let target = file.ending.map { FileSystem.path(path, ending: $0) } ?? path
      try FileSystem.write(file.bytes, to: target)
    }
  }
}

/// Every format, by the name that the command line uses.
public let allFormats: [Named<ExportFormat>] = [
  Named("npy", .npy),
  Named("safetensors", .safetensors),
  Named("hnsw", .hnsw),
  Named("hnswlib", .hnswlib),
  Named("faiss-flat", .faissFlat),
  Named("faiss-hnsw", .faissHNSW),
  Named("faiss-ivf-flat", .faissInvertedFlat),
  Named("faiss-pq", .faissProduct),
  Named("faiss-sq8", .faissScalar),
  Named("pgvector", .pgvector),
  Named("qdrant", .qdrant),
  Named("milvus", .milvus),
  Named("elasticsearch", .elasticsearch),
  Named("npz", .npz),
  Named("fvecs", .fvecs),
  Named("bvecs", .bvecs),
  Named("fbin", .fbin),
  Named("u8bin", .u8bin),
  Named("csv", .csv),
  Named("jsonl", .jsonl),
  Named("projector", .projector),
  Named("int8", .quantized(.int8, "a signed byte a number with the ranges of the columns")),
  Named("uint8", .quantized(.uint8, "a byte a number with the ranges of the columns")),
  Named("binary", .quantized(.binary, "a bit a number with the thresholds of the columns")),
]

extension ExportFormat {
  static let npy = ExportFormat(
    "a matrix in its own precision; opened by numpy.load", fileExtension: "npy"
  ) { (vectors, _, _) throws(Failure) in
    [ExportedFile(NumPyArray(vectors).bytes())]
  }

  static let safetensors = ExportFormat(
    "one tensor named 'embeddings'; opened by the safetensors libraries",
    fileExtension: "safetensors"
  ) { (vectors, options, _) throws(Failure) in
    let single = vectors.converted(to: .float32)
    let metadata = ["metric": options.metric(for: single).rawValue].merging(options.metadata) { $1 }
    let file = SafetensorsFile(
      metadata: metadata, tensors: [SafetensorsEntry("embeddings", vectors)])
    return [ExportedFile(try file.bytes())]
  }

  static let hnsw = ExportFormat(
    "a graph of Kindred, checksummed and searched where it lies; opened by kindred search",
    fileExtension: "hnsw"
  ) { (vectors, metric, options, progress) throws(Failure) in
    try graph(vectors, metric, options, progress).bytes()
  }

  static let hnswlib = ExportFormat(
    "the same graph for hnswlib; load_index with the space ip or l2, then set_ef",
    fileExtension: "bin"
  ) { (vectors, metric, options, progress) throws(Failure) in
    HNSWLibrary.bytes(try graph(vectors, metric, options, progress))
  }

  static let faissFlat = ExportFormat(
    "an exact index with row numbers as ids; opened by faiss.read_index", fileExtension: "faiss"
  ) { (vectors, metric, _, _) throws(Failure) in
    try FaissFile.bytes(try ExactIndex(vectors, metric: metric))
  }

  static let faissHNSW = ExportFormat(
    "the same graph as HNSW-flat; opened by faiss.read_index", fileExtension: "faiss"
  ) { (vectors, metric, options, progress) throws(Failure) in
    try FaissFile.bytes(try graph(vectors, metric, options, progress))
  }

  static let faissInvertedFlat = ExportFormat(
    "lists around centres (IVF-flat), of which a search reads some; opened by faiss.read_index",
    fileExtension: "faiss"
  ) { (vectors, metric, options, _) throws(Failure) in
    try FaissFile.bytes(
      try InvertedIndex(
        vectors, metric: metric, lists: options.lists == 0 ? nil : options.lists,
        probes: options.probes, seed: options.graph.seed))
  }

  static let faissProduct = ExportFormat(
    "a few bytes a vector (PQ); opened by faiss.read_index", fileExtension: "faiss"
  ) { (vectors, metric, options, _) throws(Failure) in
    try FaissFile.bytes(
      try ProductIndex(vectors, metric: metric, parts: options.parts, seed: options.graph.seed))
  }

  static let faissScalar = ExportFormat(
    "a byte a number (SQ8); opened by faiss.read_index", fileExtension: "faiss"
  ) { (vectors, metric, _, _) throws(Failure) in
    try FaissFile.bytes(try ScalarIndex(vectors, metric: metric))
  }

  private static func graph(
    _ vectors: Tensor, _ metric: ExactIndex.Metric, _ options: ExportOptions,
    _ progress: BuildProgress
  ) throws(Failure) -> HNSWIndex {
    try HNSWIndex(
      vectors, metric: metric, settings: options.graph,
      labels: options.labels.isEmpty ? nil : options.labels, onProgress: progress)
  }
}

extension NumPyArray {
  /// A tensor as an array of the same shape and precision.
  public init(_ vectors: Tensor) {
    let elements: Elements =
      vectors.dtype == .float32 ? .float32(vectors.elements()) : .float64(vectors.elements())
    self.init(shape: vectors.shape, elements: elements)
  }
}
