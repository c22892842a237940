import Data
import Models
import Settings

/// What a model file says of itself, so that it can be used without the run that it came from.
func modelMetadata(of encoder: Encoder, recipe: Recipe, data: TrainingData) -> [String: String] {
  let train = data.train
  let isUnit = encoder.isUnit
  return [
    "format": "pt",
    "kind": "kindred-model",
    "kindred": kindredVersion,
    "model": recipe.model.json.description,
    "data": recipe.data.json.description,
    "dataIdentity": train.identity,
    "dataHash": "fnv1a64:" + String(train.hash, radix: 16),
    "inputShape": JSONValue.array(train.itemShape.map { JSONValue($0) }).description,
    "layout": "items, height, width, channels; convolutions: outputs, height, width, inputs",
    "preprocessing": preprocessing(recipe.data.value, shape: train.itemShape).description,
    "embeddingSize": String(encoder.embeddingSize),
    "normalization": isUnit ? "unit-length" : "none",
    "metric": isUnit ? "cosine" : "euclidean",
    "classes": JSONValue.array(train.classNames.map { .string($0) }).description,
  ]
}

/// How a picture becomes an input.
private func preprocessing(_ source: any DataSource, shape: [Int]) -> JSONValue {
  guard shape.count == 3 else { return ["input": "vector"] }
  return [
    "input": "picture", "height": JSONValue(shape[0]), "width": JSONValue(shape[1]),
    "channels": shape[2] == 1 ? "gray" : "red, green, blue", "range": [0, 1],
    "tone": .string(source.tone.rawValue),
  ]
}

extension Encoder {
  /// Whether embeddings have unit length.
  public var isUnit: Bool { layers.last?.value is UnitLength }
}

/// A text of metadata in which paths of this machine have become their last parts, for files that are
/// given away.
func withoutFolders(_ text: String) -> String {
  if let value = try? JSONValue(json5: text, at: "metadata"), case .object = value {
    return value.withoutFolders.description
  }
  // As in "/data/pictures: 20 items of 4 classes".
  guard text.hasPrefix("/") else { return text }
  let path = text.prefix { $0 != ":" }
  return (path.split(separator: "/").last.map(String.init) ?? "") + text.dropFirst(path.count)
}

extension JSONValue {
  fileprivate var withoutFolders: JSONValue {
    switch self {
    case .string(let text) where text.hasPrefix("/"):
      .string(text.split(separator: "/").last.map(String.init) ?? text)
    case .array(let items): .array(items.map(\.withoutFolders))
    case .object(let members): .object(members.mapValues(\.withoutFolders))
    default: self
    }
  }
}
