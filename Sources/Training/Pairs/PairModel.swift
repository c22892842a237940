import Autodiff
import Data
import Evaluation
import Files
import Foundation
import Index
import Models
import Settings
import Texts

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
    func kind(_ side: Side) throws(Failure) -> SideItems.Kind {
      let key = side.rawValue + "Width"
      if file.metadata[key] == "texts" { return .texts }
      guard let width = file.metadata[key].flatMap(Int.init), (1...65_536).contains(width) else {
        throw Failure(
          .badData, at: folder.model, "the metadata do not tell '\(key)'",
          expected: "a model of queries and documents that kindred train wrote")
      }
      return .vectors(width: width)
    }
    // The run has folders of its own, with the trained weights.
    var encoders = try recipe.model.readFrom(folder).makeEncoders(
      of: try kind(.query), and: try kind(.document), random: Random(seed: 0),
      at: "\(folder.recipe): model")
    let tensors = try file.tensorsByName(at: folder.model)
    var failure: Failure?
    func take(_ name: String, _ tensor: inout Tensor) {
      tensor = fitting(tensors, name, tensor, at: folder.model, &failure)
    }
    encoders.update { prefix, encoder in
      guard case .vectors = encoder else { return }
      encoder.updateParameters { take(prefix + $0, &$1) }
      encoder.updateStatistics { take(prefix + $0, &$1) }
    }
    if let failure { throw failure }
    self.encoders = encoders
    metadata = file.metadataWithoutChecksum
  }

  /// Writes the model file, and before it a folder for each text model.
  static func write(
    _ objective: PairObjective, of trainer: PairTrainer, to folder: RunFolder
  ) throws(Failure) {
    func text(_ kind: SideItems.Kind) -> String {
      if case .vectors(let width) = kind { "\(width)" } else { "texts" }
    }
    var metadata = [
      "format": "pt", "kind": "kindred-pairs", "kindred": kindredVersion,
      "queryWidth": text(trainer.data.queries.kind),
      "documentWidth": text(trainer.data.documents.kind),
      "embedding": "\(objective.encoders.embeddingSize)",
      "recipe": trainer.recipe.json.description,
    ]
    var left: Set<String> = []
    var folders: [(name: String, files: [(name: String, bytes: [UInt8])])] = []
    var encoders = objective.encoders
    var failure: Failure?
    encoders.update { prefix, encoder in
      guard case .texts(let model, _) = encoder else { return }
      encoder.updateParameters { name, _ in left.insert(prefix + name) }
      do throws(Failure) {
        folders.append((String(prefix.dropLast()), try model.folderFiles()))
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    for (name, files) in folders {
      // What a run that was stopped while it was written has left.
      let path = "\(folder.path)/\(name)"
      try? FileManager.default.removeItem(atPath: path)
      try FileSystem.writeFolder(files, to: path)
      // Tells models with other weights apart, as the checksum of the model file does.
      var crc = CRC32()
      for file in files { crc.update(file.bytes) }
      metadata["\(name)Folder"] = "\(name), crc32 " + String(crc.value, radix: 16)
    }
    let entries = objective.state.filter { !left.contains($0.name) }
      .map { SafetensorsEntry($0.name, $0.value) }
    try FileSystem.write(
      try SafetensorsFile(metadata: metadata, tensors: entries).withChecksum().bytes(),
      to: folder.model)
  }

  /// Embeds an `.npy` file of vectors of one side, [items, width], or a file of texts.
  ///
  /// - Parameter column: the field or column of the texts; nil for "text".
  public func embed(
    _ path: String, as side: Side, column: String? = nil
  ) throws(Failure) -> EmbeddedItems {
    let items: SideItems
    switch encoders[side].kind {
    case .texts: items = SideItems(name: path, texts: try TextFile.read(path, column: column))
    case .vectors:
      guard path.lowercased().hasSuffix(".npy") else {
        throw Failure(
          .badData, at: path, "this is no .npy file",
          expected: "vectors of one side, [items, width]")
      }
      let (rows, columns, values) = try NumPyArray.read(path).matrix(at: path, as: Float.self)
      items = SideItems(name: path, vectors: Tensor(values, shape: [rows, columns]))
    }
    return try embed(items, as: side)
  }

  /// Embeds the queries or documents of the data that the run was trained on.
  ///
  /// - Parameter rows: which of them; nil for all.
  public func embed(
    _ data: PairedData, as side: Side, rows: [Int]? = nil
  ) throws(Failure) -> EmbeddedItems {
    try embed(side == .query ? data.queries : data.documents, as: side, rows: rows)
  }

  private func embed(
    _ items: SideItems, as side: Side, rows: [Int]? = nil
  ) throws(Failure) -> EmbeddedItems {
    try check(items, side)
    let rows = rows ?? Array(0..<items.count)
    return EmbeddedItems(
      embeddings: try encoders[side].embedded(rows, of: items),
      names: rows.map { items.itemName($0) })
  }

  /// Fails unless a side's encoder takes such items.
  private func check(_ items: SideItems, _ side: Side) throws(Failure) {
    guard items.kind != encoders[side].kind else { return }
    func words(_ kind: SideItems.Kind) -> String {
      if case .vectors(let width) = kind { "vectors of \(width) numbers" } else { "texts" }
    }
    throw Failure(
      .badData, at: items.name, "these are \(words(items.kind))",
      expected: "\(words(encoders[side].kind)), as the run was trained on for \(side.rawValue)")
  }

  /// Judges the model on the queries that are held out of its data.
  public func judge(_ data: PairedData) throws(Failure) -> Evaluation {
    try check(data.queries, .query)
    try check(data.documents, .document)
    return try data.judge(encoders, on: data.test, recipe)
  }
}

extension PairArchitecture {
  /// The same with the folders that a run has written in the place of those that it began with.
  fileprivate func readFrom(_ folder: RunFolder) -> PairArchitecture {
    func own(_ model: SideModel, _ name: String) -> SideModel {
      if case .folder = model { .folder("\(folder.path)/\(name)") } else { model }
    }
    return switch self {
    case .shared(let model): .shared(own(model, "encoder"))
    case .own(let query, let document):
      .own(
        query: query.map { own($0, "query") }, document: document.map { own($0, "document") })
    }
  }
}
