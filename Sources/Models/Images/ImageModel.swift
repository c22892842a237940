import Autodiff
import Files
import Settings
import Texts

/// A pretrained image encoder out of a file of weights or a model's folder.
public struct ImageModel: Sendable {
  public private(set) var encoder: any ImageEncoder
  /// The architecture in a word or two.
  public let title: String
  /// The file of the weights.
  public let place: String
  public let dtype: DType
  /// The name of the preparation that the family usually has.
  public let usualPreparation: String
  /// The side of the pictures that the weights were trained on, where the tensors tell it.
  public let side: Int?
  /// Our names of the tensors, with the file's name and shape of each.
  private let origins: [String: (name: String, shape: [Int])]
  /// Counters of the file, which are written back as they are.
  private let bookkeeping: [SafetensorsEntry]

  /// Whether a path is a model of images rather than a run or a model of texts.
  public static func isModel(_ path: String) -> Bool {
    guard FileSystem.isFolder(path) else {
      return WeightFile.isWeights(path) && FileSystem.exists(path)
    }
    guard !FileSystem.exists("\(path)/recipe.json5"), !FileSystem.exists("\(path)/modules.json"),
      WeightFile.isIn(path)
    else { return false }
    let type = (try? configuration(of: path))?.0["model_type"]?.string
    if type == "clip" || type == "clip_vision_model" { return true }
    return !["tokenizer.json", "vocab.txt", "adapter_config.json"].contains {
      FileSystem.exists("\(path)/\($0)")
    }
  }

  /// Opens a file of weights or a folder.
  ///
  /// - Parameters:
  ///   - options: what tensors cannot tell, above all that the files say.
  ///   - say: gets a sentence for everything that is assumed or left over.
  public init(
    _ path: String, options: ImageModelOptions = ImageModelOptions(), dtype: DType = .float32,
    say: (String) -> Void = { _ in }
  ) throws(Failure) {
    try options.validate(at: "--model")
    let file = FileSystem.isFolder(path) ? try WeightFile(folder: path) : try WeightFile(path)
    (place, self.dtype) = (file.place, dtype)
    let hints = try ImageHints(
      options, config: try ImageModel.configuration(of: path), metadata: file.metadata,
      at: file.place)
    let names = file.names
    guard names.count <= 100_000, let (tensors, family) = ImageModel.recognized(file) else {
      let names = names.prefix(3).joined(separator: ", ")
      throw Failure(
        .badData, at: file.place, "no known image encoder has its tensors (\(names), ...)",
        expected: "ResNet, MobileNetV2, EfficientNet-Lite, ConvNeXt, ViT, DINO, DINOv2 or CLIP")
    }
    var maker = PartMaker(numbers: file.elementCount, dtype: dtype, at: file.place)
    let plan = try family.plan(tensors, hints, &maker)
    let (encoder, used, left) = try ImageModel.filled(plan.encoder, plan)
    self.encoder = encoder
    (title, usualPreparation, side) = (plan.title, plan.preparation, plan.side)
    origins = used.mapValues { ($0, file.shape(of: $0) ?? []) }
    bookkeeping = left.filter(ImageModel.isBookkeeping).compactMap(file.entry)
    let others = left.filter { !ImageModel.isBookkeeping($0) }
    if !others.isEmpty {
      let shown = others.prefix(3).joined(separator: ", ")
      say("\(file.place): not of the encoder: \(shown)\(others.count > 3 ? ", ..." : "")")
    }
    if tensors.othersCount > 0 {
      say(
        "\(file.place): the encoder is '\(tensors.prefix)'; \(tensors.othersCount) other tensors "
          + "are not used")
    }
  }

  /// The view of the tensors that a family knows.
  private static func recognized(
    _ file: WeightFile
  ) -> (tensors: ImageTensors, family: any ImageFamily)? {
    for tensors in ImageTensors.views(of: file) {
      if let family = allImageFamilies.first(where: { $0.recognizes(tensors) }) {
        return (tensors, family)
      }
    }
    return nil
  }

  /// Counters and the like, which no inference needs.
  private static func isBookkeeping(_ name: String) -> Bool {
    name.hasSuffix("num_batches_tracked") || name.hasSuffix("position_ids")
  }

  private static func filled<E: ImageEncoder>(
    _ encoder: E, _ plan: ImagePlan
  ) throws(Failure) -> (any ImageEncoder, [String: String], [String]) {
    var encoder = encoder
    let (used, left) = try plan.tensors.fill(&encoder, plan.names) { name in
      isBookkeeping(name) || plan.others.contains { name.hasPrefix($0) }
    }
    return (encoder, used, left)
  }

  /// The configuration of a folder, or beside a file: NAME.config.json, else config.json.
  static func configuration(of path: String) throws(Failure) -> (JSONNode, place: String)? {
    var candidates = ["\(path)/config.json"]
    if !FileSystem.isFolder(path) {
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
      candidates = [FileSystem.path(path, ending: ".config.json"), "\(folder)config.json"]
    }
    guard let place = candidates.first(where: FileSystem.exists) else { return nil }
    return (try JSONNode(try FileSystem.read(place), at: place), place)
  }
}

// MARK: - Embedding

extension ImageModel {
  /// Fails unless images of this shape, [rows, columns, channels], fit the encoder.
  public func check(_ shape: [Int], at place: String) throws(Failure) {
    let least = encoder.smallestSide
    guard shape.count == 3, shape[2] == encoder.channels, min(shape[0], shape[1]) >= least,
      max(shape[0], shape[1]) <= 8192
    else {
      throw Failure(
        .badData, at: place, "the images have shape \(shape)",
        expected: "[rows, columns, \(encoder.channels)] of at least \(least)×\(least) for \(title)")
    }
  }

  /// The features of images: [images, height, width, channels] to [images, features].
  ///
  /// - Throws: if a feature is not finite.
  public func features(_ images: Tensor, names: [String]) throws(Failure) -> Tensor {
    var pass = Pass(isTraining: false)
    let found = encoder(images.converted(to: dtype), in: &pass)
    let values = found.elements(as: Double.self)
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      let image = bad / max(1, encoder.featureCount)
      throw Failure(
        .badData, at: image < names.count ? names[image] : place,
        "feature \(bad % max(1, encoder.featureCount)) of it is \(values[bad])",
        expected: "finite numbers", remedy: "look at its numbers, and at the preparation")
    }
    return found
  }

  /// How many images of a shape go through the encoder together: about a million pixels.
  public static func batch(_ shape: [Int]) -> Int {
    max(1, min(256, 1_000_000 / max(1, shape[0] * shape[1])))
  }

  /// Parameters and statistics by our own names, in our layout.
  package func ownTensors() -> [(name: String, tensor: Tensor)] {
    func all(_ encoder: some ImageEncoder) -> [(name: String, tensor: Tensor)] {
      var (tensors, found) = (AllTensors(layer: encoder), [(name: String, tensor: Tensor)]())
      tensors.updateParameters { found.append(($0, $1)) }
      return found
    }
    return all(encoder)
  }

  /// Whether a file has the tensors of an image encoder that is known.
  package static func isKnown(_ path: String) throws(Failure) -> Bool {
    recognized(try WeightFile(path)) != nil
  }

  /// The weights under the names and in the layout of the file that they came from.
  public func entries() -> [SafetensorsEntry] { entries(of: encoder) }

  /// The same of another encoder of this shape, such as a gradient.
  package func entries(of encoder: some ImageEncoder) -> [SafetensorsEntry] {
    var (tensors, entries) = (AllTensors(layer: encoder), [SafetensorsEntry]())
    tensors.updateParameters { name, tensor in
      guard let origin = origins[name] else { return }
      entries.append(
        SafetensorsEntry(named: origin.name, WeightLayout.others(tensor, as: origin.shape)))
    }
    return entries + bookkeeping
  }
}

extension SafetensorsEntry {
  fileprivate init(named name: String, _ tensor: Tensor) {
    func bytes<S: Scalar>(_: S.Type) -> [UInt8] {
      tensor.withElements(of: S.self) { Array(UnsafeRawBufferPointer($0)) }
    }
    self.init(
      name: name, element: tensor.dtype == .float32 ? .float32 : .float64, shape: tensor.shape,
      bytes: tensor.dtype == .float32 ? bytes(Float.self) : bytes(Double.self))
  }
}
