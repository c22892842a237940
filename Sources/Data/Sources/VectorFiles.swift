import Files
import Settings

/// Given embeddings and labels in `.npy` files.
public struct VectorFiles: ClassRuled {
  public var embeddings = "vectors/embeddings.npy"
  public var labels = "vectors/labels.npy"
  public var testEmbeddings = ""
  public var testLabels = ""
  public var classRules = ClassRules()

  public init() {}

  public static let summary = "given vectors and labels in .npy files"
  public static let settings: [Setting<Self>] =
    [
      Setting("embeddings", \Self.embeddings, "the vectors, [items, width]"),
      Setting("labels", \Self.labels, "the class of each vector, whole numbers"),
      Setting("testEmbeddings", \Self.testEmbeddings, "vectors to judge on; empty: some classes"),
      Setting("testLabels", \Self.testLabels, "the class of each vector to judge on"),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    let first = try read(embeddings, labels, root: root)
    guard !testEmbeddings.isEmpty else {
      return try classRules.split(first, at: "data: vectors")
    }
    guard !testLabels.isEmpty else {
      throw Failure(
        .badData, at: "data: vectors", "'testLabels' is missing",
        expected: "a file, since there are testEmbeddings")
    }
    let second = try read(testEmbeddings, testLabels, root: root)
    guard second.itemShape == first.itemShape else {
      throw Failure(
        .badData, at: resolved(testEmbeddings, below: root),
        "the vectors have \(second.itemWidth) numbers", expected: "\(first.itemWidth)")
    }
    return DataSplit(train: first, test: second)
  }

  private func read(_ vectors: String, _ classes: String, root: String) throws(Failure) -> Dataset {
    let (vectorPath, labelPath) = (resolved(vectors, below: root), resolved(classes, below: root))
    let (rows, columns, values) = try NumPyArray.read(vectorPath)
      .matrix(at: vectorPath, as: Float.self)
    let labels = try NumPyArray.read(labelPath).labels(at: labelPath)
    let data = try labelled(
      values, shape: [columns], count: rows, by: labels, name: vectorPath, labelPath: labelPath)
    return try classRules.withoutSmallClasses(data, at: labelPath)
  }
}

/// Items with any whole numbers as labels; classes are in the order of the numbers.
func labelled(
  _ values: [Float], shape: [Int], count: Int, by labels: [Int], name: String, labelPath: String
) throws(Failure) -> Dataset {
  guard labels.count == count else {
    throw Failure(
      .badData, at: labelPath, "there are \(labels.count) labels",
      expected: "\(count), one for each item of \(name)")
  }
  guard count > 0 else { throw Failure(.badData, at: name, "there are no items") }
  let classes = Set(labels).sorted()
  let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
  return Dataset(
    name: name, itemShape: shape, values: values, labels: labels.map { places[$0] ?? 0 },
    classNames: classes.map(String.init), itemNames: (0..<count).map { "\(name)#\($0)" })
}
