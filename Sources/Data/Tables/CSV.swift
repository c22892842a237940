import Files
import Settings

/// Reads a table of numbers and one column of labels, separated by commas.
///
/// The first line is a header when `labelColumn` is a name, or when a cell of it that is no label
/// is neither empty nor a number. Empty lines are passed over.
///
/// - Parameter labelColumn: the name of the column of labels or its index from 0; empty for the
///   last column.
/// - Returns: the numbers row after row, `width` in each, and the label of each row.
/// - Throws: `Failure` with the line for rows of another length, cells that are not finite
///   numbers, and empty labels.
///
/// Source: RFC 4180 (Shafranovich, 2005).
public func readCSV(
  _ path: String, labelColumn: String
) throws(Failure) -> (width: Int, values: [Float], labels: [String]) {
  try readCSV(bytes: try FileSystem.read(path), labelColumn: labelColumn, at: path)
}

/// Reads the bytes of such a table; `place` names it in messages.
func readCSV(
  bytes: [UInt8], labelColumn: String, at place: String
) throws(Failure) -> (width: Int, values: [Float], labels: [String]) {
  var rows = CSVRows(bytes, at: place)
  guard let first = try rows.next() else {
    throw Failure(.badData, at: place, "the table is empty")
  }
  let label = try labelIndex(labelColumn, first, rows)
  let count = first.count
  guard count > 1 else {
    throw rows.failure(
      "one column", expected: "numbers and a label, separated by commas")
  }
  let isNamed = !labelColumn.isEmpty && Int(labelColumn) == nil
  let hasHeader =
    isNamed
    || first.indices.contains {
      $0 != label && !first[$0].bytes.isEmpty && first[$0].number == nil
    }
  var row = hasHeader ? try rows.next() : first
  var values: [Float] = []
  var labels: [String] = []
  while let cells = row {
    guard cells.count == count else {
      throw rows.failure("\(cells.count) cells", expected: "\(count), as in the first line")
    }
    for (column, cell) in cells.enumerated() where column != label {
      guard let number = cell.number, number.isFinite else {
        throw rows.failure(
          "column \(column) (counted from 0) is '\(cell.excerpt)'", expected: "a finite number",
          remedy: "drop the column, or encode it as numbers")
      }
      values.append(number)
    }
    guard let name = cells[label].text, !name.isEmpty else {
      throw rows.failure("the label is empty or not UTF-8 text")
    }
    labels.append(name)
    row = try rows.next()
  }
  return (count - 1, values, labels)
}

/// Where the labels stand.
private func labelIndex(
  _ column: String, _ first: [CSVCell], _ rows: CSVRows
) throws(Failure) -> Int {
  if column.isEmpty { return first.count - 1 }
  if let index = Int(column) {
    guard first.indices.contains(index) else {
      throw rows.failure("no column \(index)", expected: "a label column 0 to \(first.count - 1)")
    }
    return index
  }
  guard let index = first.firstIndex(where: { $0.text == column }) else {
    throw rows.failure(
      "no column is called '\(column)'",
      expected: "one of " + first.prefix(12).map { "'\($0.excerpt)'" }.joined(separator: ", "))
  }
  return index
}
