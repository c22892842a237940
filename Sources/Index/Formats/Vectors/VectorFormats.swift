import Autodiff
import Files
import Settings

extension ExportFormat {
  static let npz = ExportFormat(
    "arrays 'vectors' and, if there are classes, 'labels' in one file; opened by numpy.load",
    fileExtension: "npz"
  ) { (vectors, options, _) throws(Failure) in
    var members = [(name: "vectors.npy", bytes: NumPyArray(vectors).bytes())]
    if let classes = options.givenClasses {
      members.append((name: "labels.npy", bytes: classes.array.bytes()))
    }
    return [ExportedFile(try ZipArchive(members: members).bytes())]
  }

  static let fvecs = ExportFormat(
    "float32 rows that begin with their width; read by faiss.contrib.vecs_io",
    fileExtension: "fvecs"
  ) { (vectors, _, _, _) throws(Failure) in PlainVectors.rowByRow(vectors) }

  static let ivecs = ExportFormat(
    "rows of whole numbers that begin with their width, as neighbours are told",
    fileExtension: "ivecs"
  ) { (vectors, _, _) throws(Failure) in
    [ExportedFile(try PlainVectors.rowsOfWholeNumbers(vectors))]
  }

  static let fbin = ExportFormat(
    "float32 rows after their number and width; read by DiskANN and big-ann-benchmarks",
    fileExtension: "fbin"
  ) { (vectors, _, _, _) throws(Failure) in
    try PlainVectors.withHeader(rows: vectors.shape[0], columns: vectors.shape[1]) { writer in
      vectors.withElements(of: Float.self) { writer.elements($0) }
    }
  }

  static let bvecs = ExportFormat(
    "rows of bytes that begin with their width; FILE.ranges.safetensors turns them back",
    fileExtension: "bvecs"
  ) { (vectors, options, _) throws(Failure) in
    try quantized(vectors, options) { codes, columns in
      PlainVectors.rowByRow(codes, columns: columns)
    }
  }

  static let u8bin = ExportFormat(
    "rows of bytes after their number and width; FILE.ranges.safetensors turns them back",
    fileExtension: "u8bin"
  ) { (vectors, options, _) throws(Failure) in
    try quantized(vectors, options) { (codes, columns) throws(Failure) in
      try PlainVectors.withHeader(rows: codes.count / columns, columns: columns) {
        $0.append(codes)
      }
    }
  }

  private static func quantized(
    _ vectors: Tensor, _ options: ExportOptions,
    _ bytes: ([UInt8], Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> [ExportedFile] {
    let single = vectors.converted(to: .float32)
    let (codes, least, ranges) = try QuantizedVectors.codes(single)
    let beside = SafetensorsFile(
      metadata: ["quantization": "uint8"].merging(options.metadata) { $1 },
      tensors: [
        SafetensorsEntry("least", Tensor(least, shape: [least.count])),
        SafetensorsEntry("ranges", Tensor(ranges, shape: [ranges.count])),
      ])
    return [
      ExportedFile(ending: ".ranges.safetensors", try beside.bytes()),
      ExportedFile(try bytes(codes, single.shape[1])),
    ]
  }

  static let csv = ExportFormat(
    "numbers parted by commas, a vector a line", fileExtension: "csv"
  ) { (vectors, _, _, _) throws(Failure) in TextVectors.lines(vectors, separator: ",") { $1 } }

  static let jsonl = ExportFormat(
    "a line a vector with id, vector, and name and class if there are", fileExtension: "jsonl"
  ) { (vectors, _, options, _) throws(Failure) in
    TextVectors.lines(vectors, separator: ", ") { row, numbers in
      let payload = options.payload(row).sorted { $0.key < $1.key }
        .map { ", \(JSONValue.string($0.key)): \($0.value)" }.joined()
      return "{\"id\": \(options.id(row)), \"vector\": [\(numbers)]\(payload)}"
    }
  }

  static let projector = ExportFormat(
    "two tables for the embedding projector: the vectors, and FILE.metadata.tsv",
    fileExtension: "tsv"
  ) { (vectors, options, _) throws(Failure) in
    let single = vectors.converted(to: .float32)
    return [
      ExportedFile(
        ending: ".metadata.tsv", TextVectors.projectorTable(options, count: single.shape[0])),
      ExportedFile(TextVectors.lines(single, separator: "\t") { $1 }),
    ]
  }

  static func quantized(_ kind: QuantizedVectors.Kind, _ summary: String) -> ExportFormat {
    ExportFormat(summary, fileExtension: "safetensors") {
      (vectors, metric, options, _) throws(Failure) in
      let metadata = ["metric": metric.rawValue].merging(options.metadata) { $1 }
      return try QuantizedVectors.bytes(vectors, kind, metadata: metadata)
    }
  }
}

extension ExportOptions {
  func id(_ row: Int) -> Int { ids.isEmpty ? row + firstID : ids[row] }

  /// What is known of a row beside its vector.
  func payload(_ row: Int) -> [String: JSONValue] {
    var payload: [String: JSONValue] = [:]
    if names.indices.contains(row) { payload["name"] = .string(names[row]) }
    if let classes = givenClasses, row < classes.count { payload["class"] = classes.json(of: row) }
    return payload
  }
}
