import Files
import Settings

/// Pictures and labels in IDX files, as MNIST has them, plain or gzip.
public struct IDXFiles: ClassRuled {
  public var images = "idx/train-images-idx3-ubyte.gz"
  public var labels = "idx/train-labels-idx1-ubyte.gz"
  public var classRules = ClassRules()

  public init() {}

  public static let summary = "pictures and labels in IDX files, plain or gzip"
  public static let settings: [Setting<Self>] =
    [
      Setting(
        "images", \Self.images, "the file of pictures, [items, height, width], from where you stand"
      ),
      Setting("labels", \Self.labels, "the file of labels, [items]"),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    let (imagePath, labelPath) = (
      try resolved(images, below: root), try resolved(labels, below: root)
    )
    let pictures = try readIDX(imagePath)
    let classes = try readIDX(labelPath)
    guard classes.shape.count == 1 else {
      throw Failure(
        .badData, at: labelPath, "the labels have shape \(classes.shape)", expected: "one axis")
    }
    guard pictures.shape.count >= 2, pictures.shape.count <= 4, !pictures.values.isEmpty else {
      throw Failure(
        .badData, at: imagePath, "the pictures have shape \(pictures.shape)",
        expected: "[items, height, width]")
    }
    var labels: [Int] = []
    for value in classes.values {
      guard let label = Int(exactly: value) else {
        throw Failure(.badData, at: labelPath, "a label is \(value)", expected: "whole numbers")
      }
      labels.append(label)
    }
    // Whole numbers of a byte are brought to 0 ... 1; other numbers stay as they are.
    let isByte = pictures.values.allSatisfy { (0...255).contains($0) && $0 == $0.rounded() }
    let values = isByte ? pictures.values.map { $0 / 255 } : pictures.values
    var shape = Array(pictures.shape.dropFirst())
    if shape.count == 2 { shape.append(1) }
    let data = try labelled(
      values, shape: shape, count: pictures.shape[0], by: GivenLabels(.integers(labels)),
      name: imagePath, labelPath: labelPath)
    return try classRules.split(
      try classRules.withoutSmallClasses(data, at: labelPath), at: "data: idx")
  }

  public var tone: PictureTone { .inkIsOne }
}

/// Numbers in the columns of a CSV file, and a column of labels.
public struct CSVFile: ClassRuled {
  public var path = "table.csv"
  public var labelColumn = ""
  public var header = CSVTable.Header.automatic
  public var keepIdentifiers = false
  public var classRules = ClassRules()

  public init() {}

  public static let summary = "numbers in the columns of a CSV file, and a column of labels"
  public static let settings: [Setting<Self>] =
    [
      Setting("path", \Self.path, "the file, from where you stand"),
      Setting(
        "labelColumn", \Self.labelColumn, "the name or number of the labels; empty: the last"),
      Setting("header", \Self.header, "whether the first line names the columns"),
      Setting(
        "keepIdentifiers", \Self.keepIdentifiers,
        "whether columns that number the rows, such as 'id', are features too"),
    ] + classSettings

  public func load(root: String) throws(Failure) -> DataSplit {
    let file = try resolved(path, below: root)
    let table = try readCSV(
      file, labelColumn: labelColumn, header: header, keepsIdentifiers: keepIdentifiers)
    guard !table.labels.isEmpty else { throw Failure(.badData, at: file, "there are no rows") }
    let data = try labelled(
      table.values, shape: [table.width], count: table.labels.count,
      by: GivenLabels(.texts(table.labels)), name: file, labelPath: file)
    var split = try classRules.split(
      try classRules.withoutSmallClasses(data, at: file), at: "data: csv")
    if !table.leftOut.isEmpty {
      split.notes.append(
        "\(table.leftOut.joined(separator: ", ")) of \(file) only numbers the rows and is left out; "
          + "set keepIdentifiers to take it for a feature")
    }
    return split
  }
}
