import Files
import Settings

/// Rows of a table of text, CSV and its kin, for classical learners.
///
/// What parts cells, the encoding and the header are told by the file. Columns that number the rows
/// are left out unless they are named in `columns`.
public struct TableFile: RowRuled {
  public var path = "table.csv"
  public var label = ""
  public var target = ""
  public var treatment = ""
  public var testPath = ""
  public var columns: [String] = []
  public var leaveOut: [String] = []
  public var text = TextColumns.refuse
  public var missing = MissingCells.refuse
  public var header = CSVTable.Header.automatic
  public var order: [String] = []
  public var rowRules = RowRules()

  public init() {}

  public static let summary = "rows of a table of text (CSV and its kin), for classical learners"
  public static let settings: [Setting<Self>] =
    [
      Setting("path", \Self.path, "the file; below the data folder unless it begins with . or /"),
      Setting("label", \Self.label, "the column of classes, by name or number from 0; empty: none"),
      Setting("target", \Self.target, "the column of numbers to predict; empty: none"),
      Setting(
        "treatment", \Self.treatment,
        "the column that is 1 for treated rows, else 0; targets are then outcomes; empty: none"),
      Setting("testPath", \Self.testPath, "a second table to judge on; empty: as split says"),
      Setting("columns", \Self.columns, "the columns to learn from; empty: all others"),
      Setting("leaveOut", \Self.leaveOut, "columns that are left out"),
      Setting("text", \Self.text, "what becomes of columns of text"),
      Setting("missing", \Self.missing, "what becomes of cells without a value"),
      Setting("header", \Self.header, "whether the first line names the columns"),
      Setting(
        "order", \Self.order, "the classes in their order, for ordinal learners; empty: sorted"),
    ] + rowSettings

  public func loadRows(root: String) throws(Failure) -> RowSplit {
    let first = try Part(self, resolved(path, below: root))
    guard !testPath.isEmpty else {
      let all = Array(0..<first.table.rowCount)
      let classes = try first.classes(all, order)
      let parts = try rowRules.division(
        count: all.count, labels: classes?.labels, classNames: classes?.names ?? [],
        at: first.table.place)
      return try split(first, parts.train, first, parts.test)
    }
    let second = try Part(self, resolved(testPath, below: root))
    try checkAreTwoFiles(
      first.table.place, second.table.place, ("path", "testPath"), at: "data: table")
    return try split(
      first, Array(0..<first.table.rowCount), second, Array(0..<second.table.rowCount))
  }

  private func split(
    _ train: Part, _ trainRows: [Int], _ test: Part, _ testRows: [Int]
  ) throws(Failure) -> RowSplit {
    let preparation = try TablePreparation(
      train.table, features: train.features, rows: trainRows, text: text, missing: missing)
    var result = RowSplit(train: try train.rows(trainRows, preparation, order))
    if !testRows.isEmpty { result.test = try test.rows(testRows, preparation, order) }
    result.preparation = preparation.json
    if !train.identifiers.isEmpty {
      result.notes.append(
        "left out, as they number the rows: " + train.identifiers.joined(separator: ", "))
    }
    if !preparation.dropped.isEmpty {
      result.notes.append(
        "left out, as they are text: " + preparation.dropped.joined(separator: ", "))
    }
    let unknown = try preparation.unknownCount(in: test.table, rows: testRows)
    if unknown > 0 {
      result.notes.append(
        "\(unknown) cells to judge on have a value that was not there in learning; it counts as none"
      )
    }
    return result
  }
}

/// A table with the columns that are asked for.
private struct Part {
  let table: CSVTable
  let features: [Int]
  let identifiers: [String]
  private let label, target, treatment: Int?

  init(_ source: TableFile, _ path: String) throws(Failure) {
    let table = try CSVTable.read(
      path, header: source.header, label: source.label.isEmpty ? nil : source.label)
    guard table.rowCount > 0 else { throw Failure(.badData, at: path, "there are no rows") }
    func column(_ name: String) throws(Failure) -> Int? {
      name.isEmpty ? nil : try table.column(name)
    }
    (label, target) = (try column(source.label), try column(source.target))
    treatment = try column(source.treatment)
    let taken = [label, target, treatment].compactMap { $0 }
    var features: [Int] = []
    var identifiers: [String] = []
    if source.columns.isEmpty {
      var without: Set<Int> = []
      for name in source.leaveOut { without.insert(try table.column(name)) }
      for column in table.columns where !taken.contains(column) && !without.contains(column) {
        if table.isIdentifier(column) {
          identifiers.append(table.name(ofColumn: column))
        } else {
          features.append(column)
        }
      }
    } else {
      for name in source.columns {
        let column = try table.column(name)
        guard !taken.contains(column), !features.contains(column) else {
          throw Failure(
            .badData, at: "data: columns", "'\(name)' is there twice, or is what is to be told",
            expected: "each column once, without the label")
        }
        features.append(column)
      }
    }
    guard !features.isEmpty else {
      throw Failure(
        .badData, at: path, "there is no column to learn from", expected: "columns beside the label"
      )
    }
    (self.table, self.features, self.identifiers) = (table, features, identifiers)
  }

  /// The class of some rows.
  func classes(
    _ rows: [Int], _ order: [String]
  ) throws(Failure) -> (labels: [Int], names: [String])? {
    guard let label else { return nil }
    let all = try table.texts(in: label)
    let texts = rows.map { all[$0] }
    let found = Set(texts)
    var names = order
    if order.isEmpty {
      // Numbers in the order of their size.
      let numbers = found.compactMap { Double($0) }
      names =
        numbers.count == found.count
        ? found.sorted { (Double($0) ?? 0, $0) < (Double($1) ?? 0, $1) } : found.sorted()
    } else if let stranger = found.subtracting(order).min() {
      throw Failure(
        .badData, at: table.place, "the class '\(stranger)' is not in the order",
        expected: "one of " + order.joined(separator: ", "))
    }
    names = names.filter { found.contains($0) }
    let places = Dictionary(
      names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return (texts.map { places[$0] ?? 0 }, names)
  }

  func rows(
    _ wanted: [Int], _ preparation: TablePreparation, _ order: [String]
  ) throws(Failure) -> Rows {
    var rows = Rows(
      name: table.place, columns: preparation.names,
      values: try preparation.values(of: table, rows: wanted), count: wanted.count,
      rowNames: wanted.map { "\(table.place)#\($0)" })
    if let classes = try classes(wanted, order) {
      (rows.labels, rows.classNames) = (classes.labels, classes.names)
    }
    if let target {
      var targets: [Double] = []
      for row in wanted { targets.append(try table.number(row: row, column: target)) }
      rows.targets = targets
    }
    if let treatment {
      var treated: [Bool] = []
      for row in wanted {
        let number = try table.number(row: row, column: treatment)
        guard number == 0 || number == 1 else {
          throw table.failure(
            row: row, column: treatment, "is \(table[row, treatment].excerpt)",
            expected: "1 for treated, 0 for untreated")
        }
        treated.append(number == 1)
      }
      rows.treated = treated
      rows.covariates = preparation.ranges
    }
    return rows
  }
}
