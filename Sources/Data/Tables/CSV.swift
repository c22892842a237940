import Files
import Settings

/// Reads a table of numbers and one column of labels; see ``CSVTable`` for what is told by itself.
///
/// - Parameters:
///   - labelColumn: the name of the column of labels or its index from 0; empty for the last
///     column.
///   - header: whether the first line names the columns.
///   - keepsIdentifiers: whether columns that number the rows are features too.
/// - Returns: the numbers row after row, `width` in each, the label of each row, and the names of
///   the columns that were left out.
/// - Throws: `Failure` with row, line and column for cells that are not finite numbers and for empty
///   labels.
public func readCSV(
  _ path: String, labelColumn: String, header: CSVTable.Header = .automatic,
  keepsIdentifiers: Bool = false
) throws(Failure) -> (width: Int, values: [Float], labels: [String], leftOut: [String]) {
  try readCSV(
    bytes: try FileSystem.read(path), labelColumn: labelColumn, header: header,
    keepsIdentifiers: keepsIdentifiers, at: path)
}

/// Reads the bytes of such a table; `place` names it in messages.
package func readCSV(
  bytes: [UInt8], labelColumn: String, header: CSVTable.Header = .automatic,
  keepsIdentifiers: Bool = false, at place: String
) throws(Failure) -> (width: Int, values: [Float], labels: [String], leftOut: [String]) {
  let table = try CSVTable(bytes, header: header, label: labelColumn, at: place)
  let label = try table.column(labelColumn)
  guard table.columnCount > 1 else {
    throw Failure(
      .badData, at: "\(place): line 1", "one column", expected: "numbers and a label",
      remedy: "part the cells by commas, semicolons, tabs or bars")
  }
  var features = table.columns.filter { $0 != label }
  var leftOut: [Int] = []
  if !keepsIdentifiers {
    leftOut = features.filter { table.isIdentifier($0) }
    features.removeAll { leftOut.contains($0) }
  }
  guard !features.isEmpty else {
    throw Failure(
      .badData, at: place, "every column numbers the rows", expected: "columns of features",
      remedy: "set keepIdentifiers: true")
  }
  try MemoryBudget.check(
    [table.rowCount, features.count], bytesEach: 4, for: "the numbers", at: place)
  var values: [Float] = []
  values.reserveCapacity(table.rowCount * features.count)
  for row in 0..<table.rowCount {
    for column in features {
      do throws(Failure) {
        values.append(Float(try table.number(row: row, column: column)))
      } catch {
        var failure = error
        let cell = table[row, column]
        if labelColumn.isEmpty, !cell.isMissing, !cell.isEmpty, cell.number == nil {
          failure.remedy += ", or name it as labelColumn if it holds the labels"
        }
        throw failure
      }
    }
  }
  return (
    features.count, values, try table.texts(in: label), leftOut.map { table.name(ofColumn: $0) }
  )
}
