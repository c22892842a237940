import Autodiff
import Files
import Index
import Models
import Settings

/// Weights that an encoder starts from instead of random ones: those of a run, or of a file.
///
/// In a recipe `model: { from: "runs/a" }`, with the run's architecture unless another is named, or
/// `model: { name: "mlp", weights: "file.safetensors", map: { "encoder.hidden*": "fc*" } }`. A tensor
/// is looked for by the name that the map gives, else by its own, with "encoder." before it or not.
/// Parameters of losses start anew, since their classes may be others.
public struct WarmStart: Sendable, Equatable {
  public enum Source: Sendable, Equatable { case run(String), file(String) }

  public var source: Source
  public var map: WeightMap

  public init(_ source: Source, map: WeightMap = WeightMap()) {
    (self.source, self.map) = (source, map)
  }

  /// What became of the weights.
  public struct Report: Sendable, Equatable {
    public let path: String
    /// Tensors of the model that were found, and those that start anew.
    public let taken, new: [String]
    /// Tensors of the file that nothing asked for.
    public let leftOver: [String]

    /// In a line.
    public var text: String {
      func list(_ names: [String]) -> String {
        let shown = names.prefix(4).joined(separator: ", ")
        return names.isEmpty
          ? "none" : names.count > 4 ? "\(shown) and \(names.count - 4) more" : shown
      }
      return "weights of \(path): \(taken.count) tensors taken; new: \(list(new)); left over: "
        + list(leftOver)
    }
  }

  private var path: String {
    switch source {
    case .run(let path): RunFolder(path).model
    case .file(let path): path
    }
  }

  /// The encoder with the weights that were found.
  ///
  /// - Throws: a ``Failure`` when nothing fits, or a tensor has another shape.
  public func applied(to encoder: Encoder) throws(Failure) -> (Encoder, Report) {
    if case .run(let folder) = source, !FileSystem.exists(path) {
      throw Failure(
        .noInput, at: "model.from", "\(folder) holds no finished run",
        expected: "a folder with model.safetensors",
        remedy: "finish it with kindred train RECIPE --out \(folder) --resume")
    }
    let pretrained = try pretrained(for: encoder)
    let file: SafetensorsFile
    if let pretrained { file = pretrained.file } else { file = try SafetensorsFile.read(path) }
    var places: [String: Int] = [:]
    for (i, entry) in file.tensors.enumerated() { places[entry.name] = i }
    var (encoder, taken, new, used) = (encoder, [String](), [String](), Set<Int>())
    var failure: Failure?
    func take(_ name: String, _ tensor: inout Tensor) {
      let names = [map.name(of: "encoder." + name), "encoder." + name, name].compactMap { $0 }
      guard failure == nil, let found = names.first(where: { places[$0] != nil }),
        let place = places[found]
      else {
        new.append("encoder." + name)
        return
      }
      do throws(Failure) {
        let weights = try file.tensors[place].tensor(at: path)
        guard weights.shape == tensor.shape else {
          throw Failure(
            .badData, at: path, "the tensor '\(found)' has shape \(weights.shape)",
            expected: "\(tensor.shape), as encoder.\(name) of the model",
            remedy: "change the model's settings, or name another tensor in model.map")
        }
        tensor = weights.converted(to: tensor.dtype)
        taken.append("encoder." + name)
        used.insert(place)
      } catch {
        failure = error
      }
    }
    encoder.updateParameters(take)
    encoder.updateStatistics(take)
    if let failure { throw failure }
    guard !taken.isEmpty else {
      throw Failure(
        .badData, at: path, "no tensor has the name of one of the model's",
        expected: new.prefix(3).joined(separator: ", "),
        remedy: "name them in model.map; there are: "
          + file.tensors.prefix(8).map(\.name).joined(separator: ", "))
    }
    if let pretrained, let lost = new.first(where: { $0.hasPrefix(pretrained.prefix) }) {
      throw Failure(
        .badData, at: path, "it is \(pretrained.title), which has no '\(lost)'",
        expected: "weights of the network that the recipe describes",
        remedy: "change the model's settings")
    }
    let leftOver = file.tensors.indices.filter { !used.contains($0) }.map { file.tensors[$0].name }
    return (encoder, Report(path: path, taken: taken, new: new, leftOver: leftOver))
  }

  /// The weights of an encoder of images that the field's libraries wrote, under our names; nil for a
  /// file of ours, for a model without such an encoder, and where a map names the tensors.
  private func pretrained(
    for encoder: Encoder
  ) throws(Failure) -> (file: SafetensorsFile, prefix: String, title: String)? {
    guard case .file(let path) = source, map.rules.isEmpty,
      let layer = encoder.layers.first(where: { $0.value is any ImageEncoder }),
      try ImageModel.isKnown(path)
    else { return nil }
    var options = ImageModelOptions()
    if let transformer = layer.value as? VisionTransformer {
      options.heads = transformer.shape.heads
    }
    let (model, prefix) = (try ImageModel(path, options: options), "encoder.\(layer.name).")
    let entries = model.ownTensors().map { SafetensorsEntry(prefix + $0.name, $0.tensor) }
    return (SafetensorsFile(tensors: entries), prefix, model.title)
  }

  /// Takes `from`, `weights` and `map` out of what a recipe says of its model.
  ///
  /// - Returns: what to start from, and the run's own model where the recipe names none.
  static func take(
    from reader: inout ObjectReader
  ) throws(Failure) -> (start: WarmStart?, model: Choice<any Architecture>?) {
    let (run, file) = (try reader.text("from"), try reader.text("weights"))
    let map = try reader.take("map").map { value throws(Failure) in
      try WeightMap(value, at: "\(reader.place): map")
    }
    guard run == nil || file == nil else {
      throw Failure(
        .badData, at: reader.place, "there are both 'from' and 'weights'", expected: "one of them")
    }
    guard let source = run.map(Source.run) ?? file.map(Source.file) else {
      guard map == nil else {
        throw Failure(
          .badData, at: "\(reader.place): map", "there is nothing to map",
          expected: "'weights' or 'from' beside it")
      }
      return (nil, nil)
    }
    let start = WarmStart(source, map: map ?? WeightMap())
    guard let run, !reader.has("name") else { return (start, nil) }
    guard FileSystem.exists(RunFolder(run).recipe) else {
      throw Failure(
        .noInput, at: "\(reader.place): from", "\(run) is no run folder",
        expected: "a folder that kindred train wrote, with recipe.json5")
    }
    return (start, try Recipe(path: RunFolder(run).recipe).model)
  }

  /// The members that a recipe spells it with.
  var members: [String: JSONValue] {
    var members: [String: JSONValue] =
      switch source {
      case .run(let path): ["from": .string(path)]
      case .file(let path): ["weights": .string(path)]
      }
    if !map.rules.isEmpty { members["map"] = map.json }
    return members
  }
}
