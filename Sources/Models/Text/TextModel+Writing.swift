import Autodiff
import Files
import Settings

extension TextModel {
  /// The files of a folder of the same layout as the one that the model was read from, with its
  /// weights as they are now.
  ///
  /// All but weights is copied. Tensors that training left alone, and those that the model has no use
  /// for, keep their bytes; the others are float32, in one `model.safetensors` whatever they were in.
  /// The table of a model2vec folder is written without `mapping` and `weights`, which are in it then.
  /// - Throws: if the folder is no longer there, or its encoder lies in another one, as an adapter's.
  public func folderFiles() throws(Failure) -> [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    for name in try FileSystem.files(below: folder) where !TextModel.isWeights(name) {
      files.append((name, try FileSystem.read("\(folder)/\(name)")))
    }
    files.append((try inside(weightFolders.encoder), try encoderWeights()))
    for (module, place) in zip(modules, weightFolders.modules) {
      guard case .dense(let dense) = module else { continue }
      let weights = try WeightFile(folder: place)
      files.append((try inside(place), try weights.bytes(replacing: dense.parameters) { $0 }))
    }
    return files
  }

  /// The name of a folder's weights within the model's folder.
  private func inside(_ place: String) throws(Failure) -> String {
    if place == folder { return "model.safetensors" }
    guard place.hasPrefix(folder + "/") else {
      throw Failure(
        .badData, at: folder, "its encoder lies in another folder, \(place)",
        expected: "one folder with all of the model")
    }
    return place.dropFirst(folder.count + 1) + "/model.safetensors"
  }

  private static func isWeights(_ name: String) -> Bool {
    let endings = [
      ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".h5", ".msgpack",
      ".onnx", ".onnx_data", ".pt", ".pth", ".ot",
    ]
    return endings.contains { name.hasSuffix($0) } || name.hasPrefix("openvino/")
  }

  private func encoderWeights() throws(Failure) -> [UInt8] {
    let place = weightFolders.encoder
    let weights = try WeightFile(folder: place)
    switch body {
    case .transformer(let transformer, _):
      let (names, known) = (transformer.options.tensorNames, Set(weights.names))
      return try weights.bytes(replacing: transformer.parameters) { names.find($0, in: known) }
    case .table(let table):
      let given = try StaticEmbedding(weights, folder: place, tokenizer, dtype: dtype)
      guard !given.table.hasElements(of: table.table) else {
        return try weights.bytes(replacing: []) { $0 }
      }
      let name = weights.has("embeddings") ? "embeddings" : "embedding.weight"
      return try weights.bytes(
        replacing: [(name, table.table)], leavingOut: ["mapping", "weights"], checking: false
      ) { $0 }
    }
  }
}

extension WeightFile {
  /// The bytes of one safetensors file with some tensors in the place of others.
  ///
  /// - Parameters:
  ///   - checking: whether a tensor that is equal to the file's keeps the file's bytes.
  ///   - name: the file's name of one of the parameters.
  fileprivate func bytes(
    replacing parameters: [(name: String, value: Tensor)], leavingOut: Set<String> = [],
    checking: Bool = true, name: (String) -> String?
  ) throws(Failure) -> [UInt8] {
    var replaced: [String: Tensor] = [:]
    for (own, value) in parameters { if let found = name(own) { replaced[found] = value } }
    var entries: [SafetensorsEntry] = []
    for name in names where !leavingOut.contains(name) {
      guard let entry = self[name] else { continue }
      guard let value = replaced[name] else {
        entries.append(entry)
        continue
      }
      var isSame = false
      if checking { isSame = try tensor(name, dtype: value.dtype).hasElements(of: value) }
      entries.append(isSame ? entry : SafetensorsEntry(float32: value, name: name))
    }
    return try SafetensorsFile(metadata: [:], tensors: entries).bytes()
  }
}

extension SafetensorsEntry {
  fileprivate init(float32 tensor: Tensor, name: String) {
    var writer = ByteWriter()
    tensor.converted(to: .float32).withElements(of: Float.self) { writer.elements($0) }
    self.init(name: name, element: .float32, shape: tensor.shape, bytes: writer.bytes)
  }
}

extension Tensor {
  fileprivate func hasElements(of other: Tensor) -> Bool {
    shape == other.shape && elements(as: Double.self) == other.elements(as: Double.self)
  }
}
