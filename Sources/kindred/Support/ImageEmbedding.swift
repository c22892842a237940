import Autodiff
import Data
import Files
import Models
import Pictures
import Settings

/// Pictures or prepared items through a pretrained encoder.
struct ImageEmbedding {
  let model: ImageModel
  let input: String
  /// The names of the rows: paths of pictures, or places in a file.
  let names: [String]
  private let items: Items

  private enum Items {
    case pictures([String], PicturePreparation)
    /// [items, rows, columns, channels].
    case prepared(Tensor)
  }

  /// - Parameter say: gets a sentence for everything that is assumed.
  init(
    _ model: ImageModel, weights: String, _ input: String, preparation: String?,
    say: (String) -> Void
  ) throws(Failure) {
    (self.model, self.input) = (model, input)
    guard FileSystem.exists(input) else {
      throw Failure(.noInput, at: input, "there is no such file or folder")
    }
    if !FileSystem.isFolder(input), input.lowercased().hasSuffix(".npy") {
      guard preparation == nil else {
        throw Failure(
          .badUsage, at: "--preparation", "items of an .npy file are taken as they are",
          expected: "pictures", remedy: "leave --preparation out")
      }
      let tensor = try ImageEmbedding.prepared(input, dtype: model.dtype)
      try model.check(Array(tensor.shape.dropFirst()), at: input)
      items = .prepared(tensor)
      names = (0..<tensor.shape[0]).map { "\(input)#\($0)" }
      return
    }
    guard model.encoder.channels == 3 else {
      throw Failure(
        .badData, at: model.place, "it takes images of \(model.encoder.channels) channels",
        expected: "3, as pictures have", remedy: "give prepared items as an .npy file")
    }
    let isFolder = FileSystem.isFolder(input)
    names = isFolder ? try picturePaths(below: input) : [input]
    let chosen = try ImageEmbedding.preparation(
      named: preparation, model, weights: weights, say: say)
    try model.check(chosen.size + [3], at: "the preparation")
    items = .pictures(isFolder ? names.map { "\(input)/\($0)" } : names, chosen)
  }

  /// The preparation by its name, the one beside the weights, or the family's usual one.
  private static func preparation(
    named name: String?, _ model: ImageModel, weights: String, say: (String) -> Void
  ) throws(Failure) -> PicturePreparation {
    if let name {
      return try allPreparations.named(
        name, kind: "preparation", at: "--preparation", mistake: .badUsage)
    }
    let folder =
      FileSystem.isFolder(weights)
      ? weights : weights.lastIndex(of: "/").map { String(weights[..<$0]) } ?? "."
    if let found = try PicturePreparation.read(folder: folder) { return found }
    return try usualPreparation(model, weights: weights, say: say)
  }

  /// The usual one of the family, at the size that the weights were trained on.
  static func usualPreparation(
    _ model: ImageModel, weights: String, say: (String) -> Void
  ) throws(Failure) -> PicturePreparation {
    var usual = try allPreparations.named(
      model.usualPreparation, kind: "preparation", at: model.place)
    if let side = model.side, side != usual.size[0] {
      usual.edge = usual.edge * side / usual.size[0]
      usual.size = [side, side]
    }
    say(
      "\(weights): nothing tells its preparation; \(model.title)'s usual one is taken: "
        + "\(model.usualPreparation), \(usual.size[1])×\(usual.size[0]) "
        + "(--preparation NAME takes another)")
    return usual
  }

  /// Items of an .npy file, [items, rows, columns, channels].
  private static func prepared(_ path: String, dtype: DType) throws(Failure) -> Tensor {
    let array = try NumPyArray.read(path)
    guard array.shape.count == 4, array.shape.allSatisfy({ $0 > 0 }) else {
      throw Failure(
        .badData, at: path, "the array has shape \(array.shape)",
        expected: "[items, rows, columns, channels]",
        remedy: "channels come last: save array.transpose(0, 2, 3, 1)")
    }
    let width = array.shape.dropFirst().reduce(1, *)
    let matrix = NumPyArray(shape: [array.shape[0], width], elements: array.elements)
    switch dtype {
    case .float32:
      return Tensor(try matrix.matrix(at: path, as: Float.self).values, shape: array.shape)
    case .float64:
      return Tensor(try matrix.matrix(at: path, as: Double.self).values, shape: array.shape)
    }
  }

  /// The features of a range of the rows, [rows, features].
  ///
  /// Pictures are read in groups, so memory does not grow with the folder but for the features.
  func features(
    of range: Range<Int>, onProgress: (_ done: Int) -> Void
  ) throws(Failure) -> Tensor {
    guard !range.isEmpty else {
      return Tensor(zeros: [0, model.encoder.featureCount], dtype: model.dtype)
    }
    let shape =
      switch items {
      case .pictures(_, let preparation): preparation.size + [3]
      case .prepared(let tensor): Array(tensor.shape.dropFirst())
      }
    var parts: [Tensor] = []
    for start in stride(from: range.lowerBound, to: range.upperBound, by: ImageModel.batch(shape)) {
      let group = start..<min(range.upperBound, start + ImageModel.batch(shape))
      let images: Tensor
      switch items {
      case .pictures(let paths, let preparation):
        images = Tensor(
          try ImageEmbedding.read(Array(paths[group]), preparation), shape: [group.count] + shape)
      case .prepared(let tensor):
        let width = shape.reduce(1, *)
        images = tensor.reshaped(to: [tensor.shape[0], width]).rows(at: Array(group))
          .reshaped(to: [group.count] + shape)
      }
      parts.append(try model.features(images, names: Array(names[group])))
      onProgress(group.upperBound - range.lowerBound)
    }
    return Tensor.concatenated(parts)
  }

  /// Reads pictures with several threads: upright, prepared, one after another.
  private static func read(
    _ paths: [String], _ preparation: PicturePreparation
  ) throws(Failure) -> [Float] {
    var found = [Result<[Float], Failure>](repeating: .success([]), count: paths.count)
    found.withUnsafeMutableBufferPointer { found in
      let (base, count) = (found.baseAddress, found.count)
      Parallel.forEach(count) { i in
        base?[i] = Result { () throws(Failure) in
          preparation.numbers(try Picture.read(paths[i]).picture.upright().rgb())
        }
      }
    }
    var numbers: [Float] = []
    for result in found { numbers += try result.get() }
    return numbers
  }
}
