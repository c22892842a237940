import Autodiff
import Files
import Index
import Models
import Settings

/// The files of a sentence-transformers folder whose last modules are the model's layers.
///
/// Each layer becomes a `Dense` module; a low-rank residual becomes one with the weight I + U D.
/// With a base folder, its files come first and its list of modules goes on; without one, the
/// folder holds the head alone, and its README says how to append it to an encoder.
/// Source: the module classes of sentence-transformers 3.4 to 6.2 under the names that all read.
func sentenceTransformersFiles(of exported: ExportedModel) throws(Failure)
  -> [(name: String, bytes: [UInt8])]
{
  let encoder = exported.encoder
  guard encoder.inputShape.count == 1 else {
    throw Failure(
      .badData, at: exported.run, "the model takes pictures",
      expected: "a head on vectors, such as those of a text encoder",
      remedy: "export it with --format onnx")
  }
  var files: [(name: String, bytes: [UInt8])] = []
  var modules: [JSONValue] = []
  if let base = exported.base {
    files = try folderFiles(base).filter { $0.name != "modules.json" }
    modules = try baseModules(base)
  }
  func add(_ type: String, _ extra: [(name: String, bytes: [UInt8])]) {
    let number = modules.count
    let folder = "\(number)_\(type)"
    modules.append([
      "idx": JSONValue(number), "name": .string("\(number)"), "path": .string(folder),
      "type": .string("sentence_transformers.models.\(type)"),
    ])
    files += extra.map { (name: "\(folder)/\($0.name)", bytes: $0.bytes) }
  }
  for layer in encoder.layers {
    switch layer.value {
    case is Flatten: break
    case is UnitLength: add("Normalize", [])
    case let dense as Dense:
      add(
        "Dense",
        try denseModule(weight: dense.weight, bias: dense.bias, activation: dense.activation))
    case let residual as LowRankResidual:
      add("Dense", try denseModule(weight: residual.matrix, bias: nil, activation: .none))
    default:
      throw Failure(
        .badData, at: "\(exported.run): layer '\(layer.name)'",
        "it has no counterpart in sentence-transformers", remedy: "export it with --format onnx")
    }
  }
  files.append(("modules.json", Array(JSONValue.array(modules).indented.utf8)))
  let card = JSONValue.object(exported.metadata.mapValues { .string($0) })
  files.append(("kindred.json", Array(card.indented.utf8)))
  if exported.base == nil {
    files.append(("README.md", Array(readMe(width: encoder.inputShape[0]).utf8)))
  }
  return files
}

private func denseModule(
  weight: Tensor, bias: Tensor?, activation: Activation
) throws(Failure) -> [(name: String, bytes: [UInt8])] {
  let activation =
    switch activation {
    case .none: "torch.nn.modules.linear.Identity"
    case .relu: "torch.nn.modules.activation.ReLU"
    }
  let configuration: JSONValue = [
    "in_features": JSONValue(weight.shape[1]), "out_features": JSONValue(weight.shape[0]),
    "bias": .bool(bias != nil), "activation_function": .string(activation),
  ]
  var tensors = [SafetensorsEntry("linear.weight", weight)]
  if let bias { tensors.append(SafetensorsEntry("linear.bias", bias)) }
  return [
    ("config.json", Array(configuration.indented.utf8)),
    ("model.safetensors", try SafetensorsFile(tensors: tensors).bytes()),
  ]
}

extension LowRankResidual {
  /// I + U D: what the layer multiplies by.
  package var matrix: Tensor {
    let width = up.shape[0]
    let product = up.detached.timesTransposed(down.detached.transposed)
    var values = product.elements(as: Float.self)
    for i in 0..<width { values[i * width + i] += 1 }
    return Tensor(values, shape: [width, width])
  }
}

private func baseModules(_ base: String) throws(Failure) -> [JSONValue] {
  let path = base + "/modules.json"
  guard case .array(let modules) = try JSONValue(json5: try FileSystem.readText(path), at: path)
  else {
    throw Failure(
      .badData, at: path, "this is no list of modules",
      expected: "the folder of a sentence-transformers model")
  }
  return modules
}

/// All files below a folder, by their paths in it.
private func folderFiles(_ folder: String) throws(Failure) -> [(name: String, bytes: [UInt8])] {
  var files: [(name: String, bytes: [UInt8])] = []
  for name in try FileSystem.list(folder) where !name.hasPrefix(".") {
    let path = folder + "/" + name
    if FileSystem.isFolder(path) {
      files += try folderFiles(path).map { (name: "\(name)/\($0.name)", bytes: $0.bytes) }
    } else {
      files.append((name, try FileSystem.read(path)))
    }
  }
  return files
}

private func readMe(width: Int) -> String {
  """
  # An embedding head by Kindred

  These modules continue any sentence-transformers model whose sentence embeddings have \(width)
  numbers. Export again with `--base FOLDER` to get one folder with both, or append them:

      from sentence_transformers import SentenceTransformer
      model = SentenceTransformer("the encoder that made the training vectors")
      for module in SentenceTransformer("this folder"):
          model.append(module)

  """
}
