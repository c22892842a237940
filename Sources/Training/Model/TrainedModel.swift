import Autodiff
import Data
import Files
import Index
import Losses
import Models
import Settings

/// An encoder read back from a run folder, with the recipe that it came from.
public struct TrainedModel: Sendable {
  public let recipe: Recipe
  public let encoder: Encoder
  public let classNames: [String]
  /// What the model file says of itself.
  public let metadata: [String: String]
  /// Where the run lies.
  private let folder: RunFolder
  /// The losses that it was trained by, with their parameters.
  public let loss: CompositeLoss

  /// Reads `recipe.json5` and `model.safetensors` of a run.
  ///
  /// - Throws: if the model is damaged, or if one of its numbers is NaN or infinite.
  public init(run path: String) throws(Failure) {
    let folder = RunFolder(path)
    self.folder = folder
    guard FileSystem.isFolder(path) else {
      throw Failure(
        .noInput, at: path, "there is no such run folder",
        remedy: "make one with kindred train RECIPE --out \(path)")
    }
    guard FileSystem.exists(folder.model) else {
      throw Failure(
        .noInput, at: folder.model, "the run has no model yet",
        remedy: "finish it with kindred train RECIPE --out \(path) --resume")
    }
    recipe = try Recipe(path: folder.recipe)
    let file = try SafetensorsFile.read(folder.model)
    try file.verifyChecksum(at: folder.model)
    metadata = file.metadataWithoutChecksum
    guard let shapeText = file.metadata["inputShape"],
      case .array(let lengths)? = try? JSONValue(json5: shapeText, at: folder.model)
    else {
      throw Failure(
        .badData, at: folder.model, "the metadata do not tell the shape of an input",
        expected: "a model that kindred train wrote")
    }
    var shape: [Int] = []
    for case .number(let length) in lengths { shape.append(Int(exactly: length) ?? 0) }
    guard !shape.isEmpty, shape.allSatisfy({ (1...65_536).contains($0) }) else {
      throw Failure(.badData, at: folder.model, "the shape of an input is \(shapeText)")
    }
    try MemoryBudget.check(shape, bytesEach: 4, for: "an item", at: folder.model)
    var encoder = try recipe.model.value.makeEncoder(
      inputShape: shape, random: Random(seed: 0), at: "\(folder.recipe): model")
    let tensors = try file.tensorsByName(at: folder.model)
    try encoder.load(tensors, prefix: "encoder.", at: folder.model)
    self.encoder = encoder
    if case .array(let names)? = file.metadata["classes"].flatMap({
      try? JSONValue(json5: $0, at: folder.model)
    }) {
      classNames = names.compactMap { if case .string(let name) = $0 { name } else { nil } }
    } else {
      classNames = []
    }
    var loss = CompositeLoss(
      recipe, classCount: classNames.count, dimension: encoder.embeddingSize)
    try loss.load(tensors, prefix: "loss.", at: folder.model)
    self.loss = loss
  }

  /// The bytes of a model file: parameters, statistics and what is needed to use them.
  static func bytes(_ objective: Objective, of trainer: Trainer) throws(Failure) -> [UInt8] {
    let entries = objective.state.map { SafetensorsEntry($0.name, $0.value) }
    let metadata = modelMetadata(of: objective.encoder, recipe: trainer.recipe, data: trainer.data)
    return try SafetensorsFile(metadata: metadata, tensors: entries).withChecksum().bytes()
  }
}

extension TrainedModel {
  /// Fails if a file of vectors is what this model made itself: it would be embedded twice.
  func checkDidNotMake(_ path: String) throws(Failure) {
    guard let maker = try VectorSpace(beside: path)?.model, maker == (try folder.modelChecksum())
    else { return }
    throw Failure(
      .badData, at: path, "these are embeddings that this model made",
      expected: "items as the model takes them",
      remedy: "take them as they are: kindred search E.npy --query \(path)")
  }

  /// Fails unless items of this shape fit the encoder.
  public func check(_ itemShape: [Int], at place: String) throws(Failure) {
    guard itemShape != encoder.inputShape else { return }
    throw Failure(
      .badData, at: place, "the items have shape \(itemShape)",
      expected: "\(encoder.inputShape), as the model was trained on")
  }
}
