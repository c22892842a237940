import Autodiff
import Files
import Settings

/// How vectors are exported.
public struct ExportOptions: Configurable {
  /// What near means in the index.
  public enum Metric: String, CaseIterable, Sendable {
    /// Inner product if all rows have unit length, else Euclidean distance.
    case automatic
    case innerProduct = "inner-product"
    case l2
  }

  public var metric = Metric.automatic
  /// Text that the file carries, if its format can.
  public var metadata: [String: String] = [:]

  public init() {}

  public static var settings: [Setting<Self>] {
    [Setting("metric", \.metric, "what near means in the index")]
  }

  /// The metric for some vectors.
  func metric(for vectors: Tensor) -> ExactIndex.Metric {
    switch metric {
    case .innerProduct: .innerProduct
    case .l2: .l2
    case .automatic: .automatic(for: vectors)
    }
  }
}

extension ExactIndex.Metric {
  /// Inner product if all rows are within 10⁻³ of unit length, else Euclidean distance.
  public static func automatic(for vectors: Tensor) -> ExactIndex.Metric {
    let (vectors, columns) = (vectors.converted(to: .float32), vectors.shape[1])
    let isUnit = vectors.withElements(of: Float.self) { x in
      stride(from: 0, to: x.count, by: columns).allSatisfy { start in
        abs(x[start..<start + columns].reduce(0) { $0 + $1 * $1 } - 1) < 2e-3
      }
    }
    return isUnit ? .innerProduct : .l2
  }
}

/// A file format for vectors.
public struct ExportFormat: Sendable {
  /// What it is and who opens it, in a sentence.
  public let summary: String
  /// How names of such files end, without the dot.
  public let fileExtension: String
  private let bytes: @Sendable (Tensor, ExportOptions) throws(Failure) -> [UInt8]

  public init(
    _ summary: String, fileExtension: String,
    bytes: @escaping @Sendable (_ vectors: Tensor, ExportOptions) throws(Failure) -> [UInt8]
  ) {
    (self.summary, self.fileExtension, self.bytes) = (summary, fileExtension, bytes)
  }

  /// Writes vectors whole or not at all.
  ///
  /// - Parameter vectors: shape [n, d].
  /// - Throws: if a number is not finite, or the file cannot be written.
  public func write(
    _ vectors: Tensor, options: ExportOptions = ExportOptions(), to path: String,
    name: String = "vectors"
  ) throws(Failure) {
    _ = try vectors.checkedVectors(name: name)
    try FileSystem.write(try bytes(vectors.detached, options), to: path)
  }
}

/// Every format, by the name that the command line uses.
public let allFormats: [Named<ExportFormat>] = [
  Named("npy", .npy),
  Named("safetensors", .safetensors),
  Named("faiss-flat", .faissFlat),
]

extension ExportFormat {
  static let npy = ExportFormat(
    "a matrix in its own precision; opened by numpy.load", fileExtension: "npy"
  ) { (vectors, _) throws(Failure) in
    let elements: NumPyArray.Elements =
      vectors.dtype == .float32 ? .float32(vectors.elements()) : .float64(vectors.elements())
    return NumPyArray(shape: vectors.shape, elements: elements).bytes()
  }

  static let safetensors = ExportFormat(
    "one tensor named 'embeddings'; opened by the safetensors libraries",
    fileExtension: "safetensors"
  ) { (vectors, options) throws(Failure) in
    let single = vectors.converted(to: .float32)
    let metadata = ["metric": options.metric(for: single).rawValue].merging(options.metadata) { $1 }
    return try SafetensorsFile(
      metadata: metadata, tensors: [SafetensorsEntry("embeddings", vectors)]
    ).bytes()
  }

  static let faissFlat = ExportFormat(
    "an exact index with row numbers as ids; opened by faiss.read_index", fileExtension: "faiss"
  ) { (vectors, options) throws(Failure) in
    let single = vectors.converted(to: .float32)
    return try FaissFlat.bytes(try ExactIndex(single, metric: options.metric(for: single)))
  }
}
