import Files
import Models
import Settings

/// A file format, or a folder, for a trained model.
public struct ModelFormat: Sendable {
  /// What it is and who opens it, in a sentence.
  public let summary: String
  private let write: @Sendable (ExportedModel, String) throws(Failure) -> Void

  public init(
    _ summary: String,
    write: @escaping @Sendable (_ model: ExportedModel, _ path: String) throws(Failure) -> Void
  ) {
    (self.summary, self.write) = (summary, write)
  }

  /// Writes a model whole or not at all.
  public func write(_ model: ExportedModel, to path: String) throws(Failure) {
    try write(model, path)
  }
}

/// A model with all that its file has to say.
public struct ExportedModel: Sendable {
  /// From items to embeddings.
  public let encoder: Encoder
  /// The run folder.
  public let run: String
  /// The model's own metadata, and the threshold if the run was calibrated.
  public let metadata: [String: String]
  /// A sentence-transformers folder that the model continues.
  public var base: String?

  /// One side of a run of queries and documents.
  public init(run: String, side: Side, base: String? = nil) throws(Failure) {
    let model = try PairModel(run: run)
    guard case .vectors(let encoder) = model.encoders[side] else {
      throw Failure(
        .badData, at: run, "its text models are folders already",
        expected: "vectors", remedy: "take the folder \(run)/encoder, or query and document")
    }
    (self.encoder, self.run, self.base) = (encoder, run, base)
    guard !encoder.layers.isEmpty else {
      throw Failure(
        .badData, at: run, "vectors of \(side.rawValue) stay as they are given",
        expected: "a side with a model", remedy: "export the other side")
    }
    var metadata = model.metadata.mapValues(withoutFolders)
    metadata["side"] = side.rawValue
    metadata["exportedBy"] = "kindred \(kindredVersion)"
    self.metadata = metadata
  }

  /// - Throws: if the run's threshold is that of another model.
  public init(run: String, base: String? = nil) throws(Failure) {
    let model = try TrainedModel(run: run)
    (encoder, self.run, self.base) = (model.encoder, run, base)
    var metadata = model.metadata.mapValues(withoutFolders)
    metadata["exportedBy"] = "kindred \(kindredVersion)"
    if var calibration = try RunCalibration.of(run: run) {
      calibration.data = withoutFolders(calibration.data)
      metadata["calibration"] = calibration.json.description
    }
    self.metadata = metadata
  }
}

/// Every format of models, by the name that the command line uses.
public let allModelFormats: [Named<ModelFormat>] = [
  Named("safetensors", .safetensors),
  Named("onnx", .onnx),
  Named("sentence-transformers", .sentenceTransformers),
]

extension ModelFormat {
  static let safetensors = ModelFormat(
    "a run's weights, loss parameters and metadata; opened by the safetensors libraries"
  ) { (model, path) throws(Failure) in
    let source = RunFolder(model.run).model
    var file = try SafetensorsFile(try FileSystem.read(source), at: source)
    file.metadata = model.metadata
    try file.withChecksum().write(to: path)
  }

  static let onnx = ModelFormat(
    "a run's encoder from items to embeddings; opened by onnxruntime and other ONNX runtimes"
  ) { (model, path) throws(Failure) in
    let graph = try model.encoder.onnxModel(metadata: model.metadata)
    try FileSystem.write(try graph.bytes(), to: path)
  }

  static let sentenceTransformers = ModelFormat(
    "a folder of Dense modules that continues a text encoder; needs sentence-transformers 3 or later"
  ) { (model, path) throws(Failure) in
    try FileSystem.writeFolder(try sentenceTransformersFiles(of: model), to: path)
  }
}
