import Autodiff
import Data
import Files
import Geometry
import Index
import Settings

/// What a loss of distillation is taught by: vectors of the training items, or a run that embeds them.
///
/// In a recipe `data: { …, teacher: "T.npy" }` or `data: { …, teacher: "runs/wide" }`. Vectors beside
/// a data set of vectors have a row for each row of its `embeddings`, and are split as these are;
/// beside another data set, a row for each training item. `teacher: { path: …, components: 64 }`
/// reduces them to their first principal axes, those of Σ t tᵀ over the training items, which keep
/// inner products as well as that many numbers can.
public struct Teacher: Configurable, Equatable {
  public var path = ""
  public var components = 0

  public init() {}

  public static let settings = [
    Setting("path", \Self.path, "vectors, or the folder of a run"),
    Setting(
      "components", \Self.components,
      "how many principal axes of the teacher's vectors are kept; 0: the vectors as they are",
      in: 0...65_536),
  ]

  /// Takes `teacher` out of what a recipe says of its data.
  static func take(from reader: inout ObjectReader) throws(Failure) -> Teacher? {
    guard let value = reader.take("teacher") else { return nil }
    let place = "\(reader.place): teacher"
    let members: [String: JSONValue]
    switch value {
    case .string: members = ["path": value]
    case .object(let given): members = given
    default:
      throw Failure(
        .badData, at: place, "this is \(value.kind)",
        expected: "a path, or an object such as { path: \"T.npy\", components: 64 }")
    }
    let teacher = try Teacher().setting(members, at: place)
    guard !teacher.path.isEmpty else {
      throw Failure(.badData, at: place, "'path' is missing", expected: "vectors or a run")
    }
    return teacher
  }

  /// What the teacher makes of the training items, [items, width].
  ///
  /// - Parameters:
  ///   - data: the items, without those that are kept aside for validation.
  ///   - root: the folder of data sets.
  func vectors(
    of data: TrainingData, recipe: Recipe, root: String
  ) throws(Failure) -> Tensor {
    let train = data.train
    let result: Tensor
    if FileSystem.isFolder(path) {
      let model = try TrainedModel(run: path)
      try model.check(train.itemShape, at: "data: teacher \(path)")
      result = try embed(train, with: model.encoder)
    } else if var files = recipe.data.value as? VectorFiles {
      files.embeddings = path
      if !files.testEmbeddings.isEmpty {
        (files.testEmbeddings, files.testLabels) = (path, files.labels)
      }
      result =
        TrainingData(
          try files.load(root: root), validation: recipe.training.validation,
          random: recipe.validationRandom
        ).train.flattened
    } else {
      result = try readVectors(path, dtype: .float32)
    }
    guard result.shape[0] == train.count else {
      throw Failure(
        .badData, at: path, "the teacher gives \(result.shape[0]) vectors",
        expected: "\(train.count), one for each training item")
    }
    guard result.elements(as: Float.self).allSatisfy(\.isFinite) else {
      throw Failure(.badData, at: path, "a teacher's vector is not finite")
    }
    return components == 0 ? result : try reduced(result)
  }

  private func reduced(_ vectors: Tensor) throws(Failure) -> Tensor {
    let width = vectors.shape[1]
    guard components <= width else {
      throw Failure(
        .badData, at: "data: teacher: components", "this is \(components)",
        expected: "\(width) at most, the width of \(path)")
    }
    let wide = vectors.converted(to: .float64)
    let moments = wide.transposed.timesTransposed(wide.transposed)
    let eigen = SymmetricEigen(moments.elements(as: Double.self), size: width)
    let axes = Tensor(
      Array(eigen.vectors.prefix(components * width)), shape: [components, width])
    return wide.timesTransposed(axes).converted(to: .float32)
  }
}
