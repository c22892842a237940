import Autodiff
import Data
import Evaluation
import Files
import Models
import Settings

/// Encoders of queries and documents read back from a run folder.
public struct PairModel: Sendable {
  public let recipe: PairRecipe
  public let encoders: PairEncoders
  /// What the model file says of itself.
  public let metadata: [String: String]

  /// Reads `recipe.json5` and `model.safetensors` of a run.
  ///
  /// - Throws: if the model is damaged, or if one of its numbers is NaN or infinite.
  public init(run path: String) throws(Failure) {
    let folder = RunFolder(path)
    guard FileSystem.exists(folder.model) else {
      throw Failure(
        .noInput, at: folder.model, "the run has no model yet",
        remedy: "finish it with kindred train RECIPE --out \(path) --resume")
    }
    guard case .pairs(let recipe) = try AnyRecipe(path: folder.recipe) else {
      throw Failure(
        .badData, at: path, "the run has one side", expected: "a run of queries and documents")
    }
    self.recipe = recipe
    let file = try SafetensorsFile.read(folder.model)
    try file.verifyChecksum(at: folder.model)
    func width(_ key: String) throws(Failure) -> Int {
      guard let width = file.metadata[key].flatMap(Int.init), (1...65_536).contains(width) else {
        throw Failure(
          .badData, at: folder.model, "the metadata do not tell '\(key)'",
          expected: "a model of queries and documents that kindred train wrote")
      }
      return width
    }
    var encoders = try recipe.model.makeEncoders(
      queryWidth: try width("queryWidth"), documentWidth: try width("documentWidth"),
      random: Random(seed: 0), at: "\(folder.recipe): model")
    let tensors = try file.tensorsByName(at: folder.model)
    var failure: Failure?
    encoders.updateParameters { name, tensor in
      tensor = fitting(tensors, name, tensor, at: folder.model, &failure)
    }
    encoders.updateStatistics { name, tensor in
      tensor = fitting(tensors, name, tensor, at: folder.model, &failure)
    }
    if let failure { throw failure }
    self.encoders = encoders
    metadata = file.metadataWithoutChecksum
  }

  /// The bytes of a model file: parameters, statistics and what is needed to use them.
  static func bytes(_ objective: PairObjective, of trainer: PairTrainer) throws(Failure) -> [UInt8]
  {
    let metadata = [
      "format": "pt", "kind": "kindred-pairs", "kindred": kindredVersion,
      "queryWidth": "\(trainer.data.queries.width)",
      "documentWidth": "\(trainer.data.documents.width)",
      "embedding": "\(objective.encoders.embeddingSize)",
      "recipe": trainer.recipe.json.description,
    ]
    let entries = objective.state.map { SafetensorsEntry($0.name, $0.value) }
    return try SafetensorsFile(metadata: metadata, tensors: entries).withChecksum().bytes()
  }

  /// Embeds an `.npy` file of items of one side, [items, width].
  public func embed(_ path: String, as side: Side) throws(Failure) -> EmbeddedItems {
    guard path.lowercased().hasSuffix(".npy") else {
      throw Failure(
        .badData, at: path, "this is no .npy file", expected: "vectors of one side, [items, width]")
    }
    let (rows, columns, values) = try NumPyArray.read(path).matrix(at: path, as: Float.self)
    let width = encoders[side].inputShape[0]
    guard columns == width else {
      throw Failure(
        .badData, at: path, "the vectors have \(columns) numbers",
        expected: "\(width), as those that the run was trained on for \(side.rawValue)")
    }
    let items = SideItems(name: path, vectors: Tensor(values, shape: [rows, columns]))
    return try embed(items, as: side)
  }

  /// Embeds the queries or documents of the data that the run was trained on.
  ///
  /// - Parameter rows: which of them; nil for all.
  public func embed(
    _ data: PairedData, as side: Side, rows: [Int]? = nil
  ) throws(Failure) -> EmbeddedItems {
    let items = side == .query ? data.queries : data.documents
    guard items.width == encoders[side].inputShape[0] else {
      throw Failure(
        .badData, at: items.name, "the vectors have \(items.width) numbers",
        expected: "\(encoders[side].inputShape[0]), as the run was trained on")
    }
    return try embed(items, as: side, rows: rows)
  }

  private func embed(
    _ items: SideItems, as side: Side, rows: [Int]? = nil
  ) throws(Failure) -> EmbeddedItems {
    let rows = rows ?? Array(0..<items.count)
    return EmbeddedItems(
      embeddings: try items.embedded(rows, with: encoders[side]),
      names: rows.map { items.itemName($0) })
  }

  /// Judges the model on the queries that are held out of its data.
  public func judge(_ data: PairedData) throws(Failure) -> Evaluation {
    try data.judge(encoders, on: data.test, recipe)
  }
}
