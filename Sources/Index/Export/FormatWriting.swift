import Autodiff
import Files
import Settings

/// A file that an export makes.
public struct ExportedFile: Sendable {
  /// What replaces the ending of the path that was asked for; nil for that path itself.
  public let ending: String?
  public let bytes: [UInt8]
  /// Whether it is a page that tells of all files of an export.
  public let isPage: Bool

  public init(ending: String? = nil, isPage: Bool = false, _ bytes: [UInt8]) {
    (self.ending, self.isPage, self.bytes) = (ending, isPage, bytes)
  }
}

/// A file format for vectors.
public struct ExportFormat: Sendable {
  /// What it is and who opens it, in a sentence.
  public let summary: String
  /// How names of such files end, without the dot.
  public let fileExtension: String
  /// Whether a reduction, an adapter and exact vectors can go around its index.
  let isComposed: Bool
  private let files:
    @Sendable (Tensor, ExportOptions, BuildProgress) throws(Failure) -> [ExportedFile]

  /// - Parameter files: the file that was asked for last, so that it is there when all are.
  public init(
    _ summary: String, fileExtension: String, isComposed: Bool = false,
    files:
      @escaping @Sendable (
        _ vectors: Tensor, ExportOptions, BuildProgress
      ) throws(Failure) -> [ExportedFile]
  ) {
    (self.summary, self.fileExtension, self.files) = (summary, fileExtension, files)
    self.isComposed = isComposed
  }

  /// A format of float32 vectors with a metric.
  init(
    _ summary: String, fileExtension: String, isComposed: Bool = false,
    single bytes:
      @escaping @Sendable (
        _ vectors: Tensor, ExactIndex.Metric, ExportOptions, BuildProgress
      ) throws(Failure) -> [UInt8]
  ) {
    self.init(summary, fileExtension: fileExtension, isComposed: isComposed) {
      (vectors, options, progress) throws(Failure) in
      let single = vectors.converted(to: .float32)
      return [ExportedFile(try bytes(single, options.metric(for: single), options, progress))]
    }
  }

  /// Writes vectors, each file whole or not at all.
  ///
  /// - Parameters:
  ///   - vectors: shape [n, d].
  ///   - shards: how many files to cut them into, of like numbers of rows, whose ids go on.
  ///   - companions: paths and bytes of what lies beside the whole; nil for what must not.
  /// - Returns: the files that hold vectors.
  /// - Throws: if a number is not finite, or a file cannot be written.
  @discardableResult
  public func write(
    _ vectors: Tensor, options: ExportOptions = ExportOptions(), to path: String, shards: Int = 1,
    companions: [(path: String, bytes: [UInt8]?)] = [], name: String = "vectors",
    onProgress: BuildProgress = { _, _ in }
  ) throws(Failure) -> [String] {
    _ = try vectors.checkedVectors(name: name)
    if !isComposed { try options.checkPlain() }
    let parts = try Shards(of: vectors, options, count: shards, path: path)
    for part in 0..<parts.count {
      let (some, options) = parts[part]
      let written = try files(some, options, onProgress).map { file in
        // A page tells of all files, beside the path that was asked for.
        let place = file.isPage ? path : parts.paths[part]
        let name = file.ending.map { FileSystem.path(place, ending: $0) } ?? place
        return (path: name, bytes: Optional(file.bytes))
      }
      // What lies beside the whole goes before the first part comes, and comes after the last.
      let beside = companions.map { ($0.path, part == parts.count - 1 ? $0.bytes : nil) }
      try FileSystem.write(written.reversed() + beside)
    }
    return parts.paths
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
