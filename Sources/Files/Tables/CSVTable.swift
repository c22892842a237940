import Settings

/// A table of text: CSV and its kin.
///
/// ```swift
/// let table = try CSVTable.read(path, label: "class")   // separator, encoding, header: told
/// let label = try table.column("class")                 // by name, or by number from 0
/// let names = try table.texts(in: label)                // UTF-8 text of each row
/// for column in table.columns where column != label {
///   let numbers = try table.numbers(in: column)         // finite, or a Failure that names the
/// }                                                      // column by its header, row and line
/// table[row, column].number                             // or cell by cell; `.isMissing`, `.text`
/// throw table.failure(row: 3, column: 2, "is 'x'", expected: "…")   // messages of the same form
/// ```
///
/// Cells are parted by commas, semicolons, tabs, bars or (for numbers) blanks; the text is UTF-8 or
/// UTF-16. Quoted cells may hold separators, quotes and line ends; empty lines are passed over. With
/// separators other than the comma a decimal comma is read, unless it might group thousands. An
/// empty last column, which a separator at the end of each line makes, is left out.
///
/// Memory: the text and 8 bytes for each cell. Source: RFC 4180 (Shafranovich, 2005).
public struct CSVTable: Sendable {
  /// Whether the first line names the columns.
  public enum Header: String, CaseIterable, Sendable { case automatic, yes, no }

  /// The most cells in a line.
  public static let mostColumns = 1 << 20

  public let place: String
  public let separator: CSVSeparator
  /// The names of the columns, if the first line has them.
  public private(set) var header: [String]?
  public private(set) var columnCount: Int
  let bytes: [UInt8]
  /// The cells of all records one after another, the header's first if there is one.
  private var cells: [Range<UInt32>] = []
  /// The line that each record begins in.
  private var lines: [UInt32] = []
  /// Cells of a record, empty last ones counted.
  private let width: Int
  private var headerRows = 0
  private var hasDecimalComma = false

  /// Reads a table.
  ///
  /// - Parameters:
  ///   - header: whether the first line is a header.
  ///   - label: the name or number of the column of labels, or "" for the last: a word there does
  ///     not make a header. Nil for a table without labels.
  ///   - separators: what may part cells.
  /// - Throws: `Failure` for a table that is empty, whose lines have different numbers of cells, or
  ///   whose first line may be a header or not.
  public static func read(
    _ path: String, header: Header = .automatic, label: String? = nil,
    separators: [CSVSeparator] = CSVSeparator.allCases
  ) throws(Failure) -> CSVTable {
    try CSVTable(
      try FileSystem.read(path), header: header, label: label, separators: separators, at: path)
  }

  /// The same for the bytes of a file; `place` names it in messages.
  public init(
    _ file: [UInt8], header: Header = .automatic, label: String? = nil,
    separators: [CSVSeparator] = CSVSeparator.allCases, at place: String
  ) throws(Failure) {
    self.place = place
    bytes = try tableText(file, at: place)
    guard bytes.count < UInt32.max else {
      throw Failure(
        .badData, at: place, "the table has 4 GiB or more", expected: "less",
        remedy: "write the numbers as .npy")
    }
    let dialect = CSVDialect(bytes, among: separators)
    separator = dialect.separator
    let mark = separator.byte
    let most = bytes.count { $0 == mark || $0 == 0x0A || $0 == 0x0D } + 1
    try MemoryBudget.check([most], bytesEach: 12, for: "the cells of the table", at: place)
    var scanner = CSVScanner(bytes, separator, from: dialect.start, at: place)
    guard try scanner.next(into: &cells) else {
      throw Failure(.badData, at: place, "the table is empty")
    }
    width = cells.count
    columnCount = width
    lines.append(UInt32(scanner.line))
    while true {
      let count = cells.count
      guard try scanner.next(into: &cells) else { break }
      lines.append(UInt32(scanner.line))
      guard cells.count - count == width else {
        throw Failure(
          .badData, at: "\(place): line \(scanner.line)",
          "\(cells.count - count) cells", expected: "\(width), as in the first line",
          remedy: "cells are parted by \(separator.name)")
      }
    }
    if width > 1, lines.count > 1,
      lines.indices.allSatisfy({ cells[$0 * width + width - 1].isEmpty })
    {
      columnCount = width - 1
    }
    hasDecimalComma = separator != .comma && findsDecimalComma()
    if try isHeader(firstLine: header, label: label) {
      headerRows = 1
      var names: [String] = []
      for column in 0..<columnCount {
        let cell = record(0, column)
        guard let name = cell.text else { throw notText(cell, "line 1: column \(column)") }
        names.append(name)
      }
      self.header = names
    }
  }

  /// Rows below the header.
  public var rowCount: Int { lines.count - headerRows }
  public var columns: Range<Int> { 0..<columnCount }

  /// A cell below the header.
  public subscript(row: Int, column: Int) -> CSVCell { record(row + headerRows, column) }

  /// A cell of all records, the header's counted.
  func record(_ record: Int, _ column: Int) -> CSVCell {
    let range = cells[record * width + column]
    var cell = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
    let quote = UInt8(ascii: "\"")
    // Only a quoted cell has a quote before it.
    if let start = cell.indices.first, start > 0, bytes[start - 1] == quote, cell.contains(quote) {
      var plain: [UInt8] = []
      var isSecond = false
      for byte in cell {
        isSecond = byte == quote && !isSecond
        if !isSecond { plain.append(byte) }
      }
      cell = plain[...]
    }
    return CSVCell(bytes: cell, hasDecimalComma: hasDecimalComma)
  }

  var recordCount: Int { lines.count }

  /// Whether a number such as 3,25 or 0,5 is there and none with a point; 1,234 may be either.
  private func findsDecimalComma() -> Bool {
    var isFound = false
    for record in 0..<min(200, lines.count) {
      for column in 0..<columnCount {
        let cell = self.record(record, column)
        if cell.bytes.contains(UInt8(ascii: ".")), cell.number != nil { return false }
        guard let comma = cell.bytes.firstIndex(of: UInt8(ascii: ",")),
          CSVCell(bytes: cell.bytes, hasDecimalComma: true).number != nil
        else { continue }
        let (before, after) = (comma - cell.bytes.startIndex, cell.bytes.endIndex - comma - 1)
        let isSure = after != 3 || before > 4 || cell.bytes.first == UInt8(ascii: "0")
        isFound = isFound || isSure
      }
    }
    return isFound
  }
}

// MARK: - Columns

extension CSVTable {
  /// The number of a column that is given by its name or by its number from 0; "" for the last.
  public func column(_ name: String) throws(Failure) -> Int {
    if name.isEmpty { return columnCount - 1 }
    let named = (header ?? []).indices.filter { header?[$0] == name }
    if named.count > 1 {
      throw Failure(
        .badData, at: place, "\(named.count) columns are called '\(name)'",
        remedy: "give the number of the column, from 0")
    }
    if let column = named.first { return column }
    if let column = Int(name) {
      guard columns.contains(column) else {
        throw Failure(
          .badData, at: place, "no column \(column)",
          expected: "a column 0 to \(columnCount - 1)")
      }
      return column
    }
    let known = header?.prefix(12).map { "'\($0)'" }.joined(separator: ", ")
    throw Failure(
      .badData, at: place, "no column is called '\(name)'",
      expected: known.map { "one of " + $0 } ?? "a number, since the table has no header",
      remedy: nearest(to: name, in: header ?? []).map { "did you mean '\($0)'?" } ?? "")
  }

  /// A column as messages name it: by its header, else by its number.
  public func name(ofColumn column: Int) -> String {
    if let name = header?[column], !name.isEmpty { return "column '\(name)'" }
    return "column \(column) (counted from 0)"
  }

  /// A failure that names a cell by row, line and column.
  public func failure(
    row: Int, column: Int, _ found: String, expected: String = "", remedy: String = ""
  ) -> Failure {
    Failure(
      .badData, at: "\(place): row \(row + 1), line \(lines[row + headerRows])",
      "\(name(ofColumn: column)) \(found)", expected: expected, remedy: remedy)
  }

  /// The number in a cell.
  ///
  /// - Throws: `Failure` for what is missing, no number, or not finite as a `Float`.
  public func number(row: Int, column: Int) throws(Failure) -> Double {
    let cell = self[row, column]
    if let number = cell.number, Float(number).isFinite { return number }
    let found =
      cell.isEmpty
      ? "is empty" : "is '\(cell.excerpt)'" + (cell.isMissing ? ", which is missing" : "")
    var remedy = "drop the column, or encode it as numbers"
    if cell.isMissing { remedy = "fill in the value, or drop the row or the column" }
    if cell.bytes.contains(UInt8(ascii: ",")), !hasDecimalComma {
      remedy = "write 1234.5, not 1,234.5"
    }
    // Written out, it is finite, but no float32 is as large.
    let isLarge = cell.number.map { $0.isFinite } ?? false
    throw failure(
      row: row, column: column, found,
      expected: isLarge ? "a number up to 3.4e38, as float32 holds" : "a finite number",
      remedy: isLarge ? "scale the column" : remedy)
  }

  /// All numbers of a column.
  public func numbers(in column: Int) throws(Failure) -> [Double] {
    var numbers: [Double] = []
    numbers.reserveCapacity(rowCount)
    for row in 0..<rowCount { numbers.append(try number(row: row, column: column)) }
    return numbers
  }

  /// All texts of a column.
  ///
  /// - Throws: `Failure` for an empty cell, or one that is not UTF-8.
  public func texts(in column: Int) throws(Failure) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(rowCount)
    for row in 0..<rowCount {
      let cell = self[row, column]
      guard let text = cell.text else {
        throw notText(
          cell, "row \(row + 1), line \(lines[row + headerRows]): \(name(ofColumn: column))")
      }
      guard !text.isEmpty else {
        throw failure(row: row, column: column, "is empty", expected: "a label or a text")
      }
      texts.append(text)
    }
    return texts
  }

  private func notText(_ cell: CSVCell, _ where_: String) -> Failure {
    Failure(
      .badData, at: "\(place): \(where_)", "'\(cell.excerpt)' is not UTF-8",
      expected: "UTF-8 or UTF-16",
      remedy: "convert the table, as with iconv -f WINDOWS-1252 -t UTF-8")
  }

  /// Whether a column tells rows apart and says nothing of them: `id`, `index` or the like with whole
  /// numbers that are all different, or a nameless first one whose numbers go up.
  public func isIdentifier(_ column: Int) -> Bool {
    guard let name = header?[column].lowercased() else { return false }
    let names = ["id", "ids", "_id", "uid", "row_id", "rowid", "index", "idx", "row", "rownames"]
    let isNameless = name.isEmpty && column == 0
    guard names.contains(name) || name.hasPrefix("unnamed") || isNameless else { return false }
    var seen: Set<Int> = []
    var last = Int.min
    return rowCount > 1
      && (0..<rowCount).allSatisfy { row in
        guard let number = self[row, column].wholeNumber else { return false }
        defer { last = number }
        return isNameless ? number > last || row == 0 : seen.insert(number).inserted
      }
  }
}
