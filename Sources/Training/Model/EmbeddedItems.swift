import Autodiff
import Data
import Files
import Foundation
import Index
import Settings

/// Embeddings with the name of each: the path of a picture, or a row of a file.
public struct EmbeddedItems: Sendable {
  /// [items, embedding]
  public let embeddings: Tensor
  public let names: [String]

  public init(embeddings: Tensor, names: [String]) {
    (self.embeddings, self.names) = (embeddings, names)
  }
}

extension TrainedModel {
  /// Embeds a folder of pictures (in the order of their paths), one picture, or an `.npy` file of
  /// items.
  ///
  /// Pictures are brought to the shape of the training items as those were.
  /// - Complexity: pictures are read and embedded in groups, so memory does not grow with the
  ///   folder but for the embeddings.
  public func embed(
    _ path: String, onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) -> EmbeddedItems {
    try embed(path, shard: nil, onProgress: onProgress).items
  }

  /// The same for one part of the items; also tells which rows they are, and all names.
  public func embed(
    _ path: String, shard: Shard?, onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(Failure) -> (items: EmbeddedItems, range: Range<Int>, allNames: [String]) {
    func part(_ count: Int) -> Range<Int> { shard?.range(of: count) ?? 0..<count }
    if FileSystem.isFolder(path) {
      let names = try picturePaths(below: path)
      let range = part(names.count)
      let own = Array(names[range])
      let embeddings = try embedPictures(own.map { path + "/" + $0 }, onProgress: onProgress)
      return (EmbeddedItems(embeddings: embeddings, names: own), range, names)
    }
    guard FileSystem.exists(path) || (isVectorFile(path) && path.contains("#")) else {
      throw Failure(.noInput, at: path, "there is no such file or folder")
    }
    let isTable = TrainedModel.isTable(path)
    guard isTable || isVectorFile(path) else {
      let range = part(1)
      let own = range.isEmpty ? [] : [path]
      let embeddings = try embedPictures(own, onProgress: onProgress)
      return (EmbeddedItems(embeddings: embeddings, names: own), range, [path])
    }
    let items = isTable ? try tableItems(path) : try readItems(path)
    let range = part(items.count)
    let own = shard == nil ? items : items.rows(range)
    let embedded = EmbeddedItems(
      embeddings: try Training.embed(own, with: encoder) { onProgress($0, own.count) },
      names: own.itemNames)
    return (embedded, range, items.itemNames)
  }

  /// One item as the encoder takes it, [1] + the shape of an item: a picture, or an `.npy` file of one.
  public func item(_ path: String) throws(Failure) -> Tensor {
    let shape = encoder.inputShape
    guard FileSystem.exists(path), !FileSystem.isFolder(path) else {
      throw Failure(.noInput, at: path, "there is no such file")
    }
    guard path.lowercased().hasSuffix(".npy") else {
      let source = recipe.data.value
      let values = try readPictures([path], width: shape.reduce(1, *), reading: source.reading) {
        image, place throws(Failure) in
        try source.item(from: image, shape: shape, at: place)
      }
      return Tensor(values, shape: [1] + shape)
    }
    let array = try NumPyArray.read(path)
    let width = shape.reduce(1, *)
    guard array.shape.reduce(1, *) == width else {
      throw Failure(
        .badData, at: path, "the array has shape \(array.shape)",
        expected: "one item of shape \(shape), as the model was trained on")
    }
    let (_, _, values) = try NumPyArray(shape: [1, width], elements: array.elements)
      .matrix(at: path, as: Float.self)
    return Tensor(values, shape: [1] + shape)
  }

  private func embedPictures(
    _ paths: [String], onProgress: (_ done: Int, _ total: Int) -> Void
  ) throws(Failure) -> Tensor {
    let shape = encoder.inputShape
    let source = recipe.data.value
    var parts: [Tensor] = []
    for start in stride(from: 0, to: paths.count, by: 256) {
      let group = Array(paths[start..<min(paths.count, start + 256)])
      let values = try readPictures(group, width: shape.reduce(1, *), reading: source.reading) {
        image, place throws(Failure) in
        try source.item(from: image, shape: shape, at: place)
      }
      parts.append(
        try encoder.checkedEmbeddings(Tensor(values, shape: [group.count] + shape), names: group))
      onProgress(start + group.count, paths.count)
    }
    return Tensor.concatenated(parts)
  }

  /// Items of an `.npy` file, [items] + the shape of an item or [items, width], or of another file of
  /// vectors.
  ///
  /// - Throws: also for what this model made itself: it would be embedded twice.
  private func readItems(_ path: String) throws(Failure) -> Dataset {
    try checkDidNotMake(path)
    guard path.lowercased().hasSuffix(".npy") else {
      let found = try readVectors(path, dtype: .float32)
      return try dataset(path, found.shape, found.elements(as: Float.self))
    }
    let array = try NumPyArray.read(path)
    guard array.shape.count >= 2 else { throw misfit(path, array.shape) }
    let (_, _, values) = try NumPyArray(
      shape: [array.shape[0], array.shape.dropFirst().reduce(1, *)], elements: array.elements
    ).matrix(at: path, as: Float.self)
    return try dataset(path, array.shape, values)
  }

  private func dataset(
    _ path: String, _ shape: [Int], _ values: [Float]
  ) throws(Failure) -> Dataset {
    guard shape.dropFirst().reduce(1, *) == encoder.inputShape.reduce(1, *) else {
      throw misfit(path, shape)
    }
    return Dataset(
      name: path, itemShape: encoder.inputShape, values: values,
      labels: [Int](repeating: 0, count: shape[0]), classNames: ["unknown"],
      itemNames: (0..<shape[0]).map { "\(path)#\($0)" })
  }

  private func misfit(_ path: String, _ shape: [Int]) -> Failure {
    Failure(
      .badData, at: path, "the array has shape \(shape)",
      expected: "items of shape \(encoder.inputShape), as the model was trained on")
  }
}

extension Dataset {
  /// Some items in a row, of all classes.
  fileprivate func rows(_ range: Range<Int>) -> Dataset {
    Dataset(
      name: name, itemShape: itemShape,
      values: Array(values[range.lowerBound * itemWidth..<range.upperBound * itemWidth]),
      labels: Array(labels[range]), classNames: classNames, itemNames: Array(itemNames[range]))
  }
}
