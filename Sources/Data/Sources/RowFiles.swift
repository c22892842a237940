import Files
import Index
import Settings

/// Rows of numbers in files of any format of vectors, with classes, numbers to predict, or neither.
public struct RowFiles: RowRuled {
  public var rows = "rows.npy"
  public var labels = ""
  public var targets = ""
  public var treated = ""
  public var categories = ""
  public var testRows = ""
  public var testLabels = ""
  public var testTargets = ""
  public var rowRules = RowRules()

  public init() {}

  public static let summary =
    "rows of numbers (.npy, .npz, .safetensors and others), for classical learners"
  public static let settings: [Setting<Self>] =
    [
      Setting("rows", \Self.rows, "the rows, [items, columns]"),
      Setting("labels", \Self.labels, "the class of each row, numbers or texts; empty: none"),
      Setting("targets", \Self.targets, "a number to predict for each row; empty: none"),
      Setting("treated", \Self.treated, "1 for each treated row, else 0; empty: none"),
      Setting(
        "categories", \Self.categories,
        "categories of each row, [items, kinds] whole numbers, which become a column each; empty: none"
      ),
      Setting("testRows", \Self.testRows, "rows to judge on; empty: as split says"),
      Setting("testLabels", \Self.testLabels, "the class of each row to judge on"),
      Setting("testTargets", \Self.testTargets, "the number of each row to judge on"),
    ] + rowSettings

  public func loadRows(root: String) throws(Failure) -> RowSplit {
    let path = try resolvedArray(rows, below: root)
    var first = try read(path, labels, targets, root: root)
    try addTreatment(to: &first, root: root)
    guard !testRows.isEmpty else { return try rowRules.divide(first, at: path) }
    guard categories.isEmpty else {
      throw Failure(
        .badData, at: "data: rows", "categories and a second file of rows",
        expected: "one file, of which a share is judged on")
    }
    let testPath = try resolvedArray(testRows, below: root)
    try checkAreTwoFiles(path, testPath, ("rows", "testRows"), at: "data: rows")
    let second = try read(testPath, testLabels, testTargets, root: root)
    guard second.width == first.width else {
      throw Failure(
        .badData, at: testPath, "the rows have \(second.width) numbers",
        expected: "\(first.width), as those of \(path)")
    }
    guard (second.labels == nil) == (first.labels == nil) else {
      throw Failure(
        .badData, at: testPath, "only one of the two files has labels",
        expected: "labels of both, or of none")
    }
    return RowSplit(train: first, test: second)
  }

  private func read(
    _ path: String, _ labels: String, _ targets: String, root: String
  ) throws(Failure) -> Rows {
    let found = try readVectors(path, dtype: .float64)
    let (count, width) = (found.shape[0], found.shape[1])
    let values = found.elements(as: Double.self)
    guard count > 0 else { throw Failure(.badData, at: path, "there are no rows") }
    var rows = Rows(
      name: path, columns: (0..<width).map { "column \($0)" }, values: values, count: count)
    if !labels.isEmpty {
      let place = try resolvedArray(labels, below: root)
      let given = try GivenLabels.read(place, count: count)
      guard given.count == count else {
        throw Failure(
          .badData, at: place, "there are \(given.count) labels",
          expected: "\(count), one for each row of \(path)")
      }
      let numbered = given.numbered
      (rows.labels, rows.classNames) = (numbered.classes, numbered.names)
    }
    if !targets.isEmpty {
      let place = try resolved(targets, below: root)
      let found = try readColumn(place)
      guard found.count == count else {
        throw Failure(
          .badData, at: place, "there are \(found.count) targets",
          expected: "\(count), one for each row of \(path)")
      }
      rows.targets = found
    }
    return rows
  }

  private func addTreatment(to rows: inout Rows, root: String) throws(Failure) {
    if !treated.isEmpty {
      let place = try resolved(treated, below: root)
      let found = try readColumn(place)
      guard found.count == rows.count, found.allSatisfy({ $0 == 0 || $0 == 1 }) else {
        throw Failure(
          .badData, at: place, "\(found.count) numbers that are not all 0 or 1",
          expected: "\(rows.count) of them, one for each row")
      }
      rows.treated = found.map { $0 == 1 }
    }
    guard !categories.isEmpty else { return }
    let place = try resolved(categories, below: root)
    let kinds = try NumPyArray.read(place).wholeRows(at: place)
    guard kinds.count == rows.count else {
      throw Failure(
        .badData, at: place, "there are \(kinds.count) rows of categories",
        expected: "\(rows.count), one for each row")
    }
    rows = rows.addingCategories(kinds.map { $0.map(String.init) })
  }
}

/// One number for each row, in an array of one dimension or of one column.
package func readColumn(_ path: String) throws(Failure) -> [Double] {
  let array = try NumPyArray.read(path)
  guard array.shape.count == 1 || (array.shape.count == 2 && array.shape[1] == 1) else {
    throw Failure(
      .badData, at: path, "an array of shape \(array.shape)", expected: "a number for each row",
      remedy: "save array.reshape(-1)")
  }
  let column = NumPyArray(shape: [array.elements.count, 1], elements: array.elements)
  switch array.elements {
  case .float32, .float64: return try column.matrix(at: path, as: Double.self).values
  default: return try column.wholeRows(at: path).map { Double($0[0]) }
  }
}

extension Rows {
  /// A column of 0 and 1 for each value of each category after the numbers.
  func addingCategories(_ categories: [[String]]) -> Rows {
    let kinds = categories.first?.count ?? 0
    var names = columns
    var ranges = covariates.isEmpty ? columns.indices.map { $0..<$0 + 1 } : covariates
    var values = (0..<count).map { Array(self.values[$0 * width..<(($0 + 1) * width)]) }
    for kind in 0..<kinds {
      let all = Set(categories.map { $0[kind] }).sorted()
      ranges.append(names.count..<names.count + all.count)
      names += all.map { "category \(kind) = \($0)" }
      for row in 0..<count { values[row] += all.map { $0 == categories[row][kind] ? 1 : 0 } }
    }
    var result = Rows(
      name: name, columns: names, values: values.flatMap { $0 }, count: count, rowNames: rowNames)
    (result.labels, result.classNames, result.targets) = (labels, classNames, targets)
    (result.treated, result.covariates) = (treated, ranges)
    return result
  }
}
