import Files
import Settings

/// What becomes of columns of text.
public enum TextColumns: String, CaseIterable, Sendable {
  case refuse
  /// A column of 0 and 1 for each value.
  case oneHot = "one-hot"
  /// Left out.
  case drop
}

/// What becomes of cells without a value.
public enum MissingCells: String, CaseIterable, Sendable {
  case refuse
  /// The mean, or the median, of the column in the rows learned from; of a text its most frequent value.
  case mean, median
}

/// How the columns of a table become numbers: learned from training rows, and shipped with the model.
public struct TablePreparation: Sendable, Equatable {
  enum Kind: Equatable {
    /// A number; what stands for a missing one, if any may.
    case number(fill: Double?)
    /// The values that are told apart; what stands for a missing one, if any may.
    case category([String], fill: String?)
  }

  struct Column: Equatable {
    let name: String
    let kind: Kind
  }

  let columns: [Column]
  /// The names of text columns that were left out.
  private(set) var dropped: [String] = []

  /// Learns from some rows of a table.
  init(
    _ table: CSVTable, features: [Int], rows: [Int], text: TextColumns, missing: MissingCells
  ) throws(Failure) {
    var columns: [Column] = []
    for column in features {
      let name = TablePreparation.name(of: column, in: table)
      let present = rows.filter { !table[$0, column].isMissing }
      guard !present.isEmpty else {
        throw Failure(
          .badData, at: table.place, "\(table.name(ofColumn: column)) has no value",
          expected: "one at least", remedy: "leave the column out")
      }
      if missing == .refuse, let row = rows.first(where: { table[$0, column].isMissing }) {
        let cell = table[row, column]
        throw table.failure(
          row: row, column: column,
          cell.isEmpty ? "is empty" : "is '\(cell.excerpt)', which is missing",
          expected: "a value",
          remedy: "fill it in, or ask for missing values to be imputed: --missing mean or median")
      }
      guard let word = present.first(where: { table[$0, column].number == nil }) else {
        var numbers: [Double] = []
        for row in present { numbers.append(try table.number(row: row, column: column)) }
        columns.append(
          Column(name: name, kind: .number(fill: TablePreparation.fill(numbers, missing))))
        continue
      }
      switch text {
      case .refuse:
        throw table.failure(
          row: word, column: column, "is '\(table[word, column].excerpt)'", expected: "numbers",
          remedy: "leave the column out, or ask for text: --text one-hot or drop")
      case .drop: dropped.append(name)
      case .oneHot:
        var counts: [String: Int] = [:]
        for row in present {
          counts[try TablePreparation.text(table, row, column), default: 0] += 1
        }
        guard counts.count <= 1000 else {
          throw Failure(
            .badData, at: table.place,
            "\(table.name(ofColumn: column)) has \(counts.count) different values",
            expected: "1000 at most, each of which becomes a column", remedy: "leave it out")
        }
        let common = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.first?.key
        columns.append(
          Column(
            name: name,
            kind: .category(counts.keys.sorted(), fill: missing == .refuse ? nil : common)))
      }
    }
    guard !columns.isEmpty else {
      throw Failure(.badData, at: table.place, "no column is left to learn from")
    }
    self.columns = columns
  }

  private static func name(of column: Int, in table: CSVTable) -> String {
    if let name = table.header?[column], !name.isEmpty { return name }
    return String(column)
  }

  private static func fill(_ numbers: [Double], _ missing: MissingCells) -> Double? {
    switch missing {
    case .refuse: nil
    case .mean: numbers.reduce(0, +) / Double(numbers.count)
    case .median:
      {
        let sorted = numbers.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
      }()
    }
  }

  private static func text(
    _ table: CSVTable, _ row: Int, _ column: Int
  ) throws(Failure) -> String {
    guard let text = table[row, column].text else {
      throw table.failure(row: row, column: column, "is not UTF-8", expected: "UTF-8 or UTF-16")
    }
    return text
  }
}

// MARK: - Use

extension TablePreparation {
  /// The names of the numbers that come out.
  public var names: [String] {
    columns.flatMap { column in
      switch column.kind {
      case .number: [column.name]
      case .category(let values, _): values.map { "\(column.name) = \($0)" }
      }
    }
  }

  /// Which of the numbers stand for one column each.
  var ranges: [Range<Int>] {
    var start = 0
    return columns.map { column in
      defer { start += column.width }
      return start..<start + column.width
    }
  }

  /// The numbers of some rows of a table that has columns of these names.
  public func values(of table: CSVTable, rows: [Int]) throws(Failure) -> [Double] {
    var places: [Int] = []
    for column in columns { places.append(try table.column(column.name)) }
    var values: [Double] = []
    for row in rows {
      for (column, place) in zip(columns, places) {
        let cell = table[row, place]
        switch column.kind {
        case .number(let fill):
          if cell.isMissing, let fill {
            values.append(fill)
          } else {
            values.append(try table.number(row: row, column: place))
          }
        case .category(let known, let fill):
          var text = try TablePreparation.text(table, row, place)
          if cell.isMissing {
            guard let fill else {
              throw table.failure(row: row, column: place, "is missing", expected: "a value")
            }
            text = fill
          }
          values += known.map { $0 == text ? 1 : 0 }
        }
      }
    }
    return values
  }

  /// How many cells hold a value that was not there in learning, which becomes zeros.
  func unknownCount(in table: CSVTable, rows: [Int]) throws(Failure) -> Int {
    var count = 0
    for column in columns {
      guard case .category(let known, _) = column.kind else { continue }
      let place = try table.column(column.name)
      let all = Set(known)
      count += rows.count { row in
        let cell = table[row, place]
        return !cell.isMissing && !all.contains(cell.text ?? "")
      }
    }
    return count
  }

  public var json: JSONValue {
    .array(
      columns.map { column in
        switch column.kind {
        case .number(let fill):
          ["column": .string(column.name), "missing": fill.map { .number($0) } ?? .null]
        case .category(let values, let fill):
          [
            "column": .string(column.name), "values": .array(values.map { .string($0) }),
            "missing": fill.map { .string($0) } ?? .null,
          ]
        }
      })
  }

  /// Reads what ``json`` writes; nil for anything else.
  public init?(_ value: JSONValue) {
    guard case .array(let items) = value else { return nil }
    var columns: [Column] = []
    for item in items {
      guard case .string(let name)? = item["column"] else { return nil }
      if case .array(let values)? = item["values"] {
        var fill: String?
        if case .string(let text)? = item["missing"] { fill = text }
        let texts = values.compactMap { if case .string(let text) = $0 { text } else { nil } }
        columns.append(Column(name: name, kind: .category(texts, fill: fill)))
      } else {
        var fill: Double?
        if case .number(let number)? = item["missing"] { fill = number }
        columns.append(Column(name: name, kind: .number(fill: fill)))
      }
    }
    guard !columns.isEmpty else { return nil }
    self.columns = columns
  }
}

extension TablePreparation.Column {
  var width: Int {
    if case .category(let values, _) = kind { values.count } else { 1 }
  }
}
