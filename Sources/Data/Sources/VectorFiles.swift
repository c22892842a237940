import Files
import Index
import Settings

/// Given embeddings in files of any format of vectors, and their labels.
public struct VectorFiles: ClassRuled {
  public var embeddings = "vectors/embeddings.npy"
  public var labels = "vectors/labels.npy"
  public var testEmbeddings = ""
  public var testLabels = ""
  public var classRules = ClassRules()

  public init() {}

  public static let summary =
    "given vectors (.npy, .npz, .safetensors, .csv and others), and labels"
  public static let settings: [Setting<Self>] =
    [
      Setting(
        "embeddings", \Self.embeddings, "the vectors, [items, width], a path from where you stand"),
      Setting("labels", \Self.labels, "the class of each vector: whole numbers, or texts"),
      Setting("testEmbeddings", \Self.testEmbeddings, "vectors to judge on; empty: some classes"),
      Setting("testLabels", \Self.testLabels, "the class of each vector to judge on"),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    let first = try vectors(embeddings, labels, root: root)
    guard !testEmbeddings.isEmpty else {
      return try classRules.split(try first.dataset(classRules), at: "data: vectors")
    }
    try classRules.checkNamesNone(beside: "testEmbeddings", at: "data: vectors")
    guard !testLabels.isEmpty else {
      throw Failure(
        .badData, at: "data: vectors", "'testLabels' is missing",
        expected: "a file, since there are testEmbeddings")
    }
    try checkAreTwoFiles(
      first.path, try resolvedArray(testEmbeddings, below: root), ("embeddings", "testEmbeddings"),
      at: "data: vectors")
    let second = try vectors(testEmbeddings, testLabels, root: root)
    guard second.width == first.width else {
      throw Failure(
        .badData, at: second.path, "the vectors have \(second.width) numbers",
        expected: "\(first.width)")
    }
    return DataSplit(train: try first.dataset(classRules), test: try second.dataset(classRules))
  }

  private func vectors(
    _ vectors: String, _ classes: String, root: String
  ) throws(Failure) -> LabelledVectors {
    let (path, labelPath) = (
      try resolvedArray(vectors, below: root), try resolvedArray(classes, below: root)
    )
    let found = try readVectors(path, dtype: .float32)
    return LabelledVectors(
      path: path, labelPath: labelPath, rows: found.shape[0], width: found.shape[1],
      values: found.elements(as: Float.self),
      labels: try GivenLabels.read(labelPath, count: found.shape[0]))
  }
}

/// Vectors as they were read, with their labels.
private struct LabelledVectors {
  let path, labelPath: String
  let rows, width: Int
  let values: [Float]
  let labels: GivenLabels

  func dataset(_ rules: ClassRules) throws(Failure) -> Dataset {
    let data = try labelled(
      values, shape: [width], count: rows, by: labels, name: path, labelPath: labelPath)
    return try rules.withoutSmallClasses(data, at: labelPath)
  }
}

/// Items with labels as they were given; classes are in the order of the numbers or texts.
func labelled(
  _ values: [Float], shape: [Int], count: Int, by labels: GivenLabels, name: String,
  labelPath: String
) throws(Failure) -> Dataset {
  guard labels.count == count else {
    throw Failure(
      .badData, at: labelPath, "there are \(labels.count) labels",
      expected: "\(count), one for each item of \(name)")
  }
  guard count > 0 else { throw Failure(.badData, at: name, "there are no items") }
  let (classes, classNames) = labels.numbered
  return Dataset(
    name: name, itemShape: shape, values: values, labels: classes, classNames: classNames,
    itemNames: (0..<count).map { "\(name)#\($0)" })
}
