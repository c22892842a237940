import Data
import Files
import Settings

extension TrainedModel {
  /// How the cells of a table become the numbers of an item, if the model was learned from a table.
  var tablePreparation: TablePreparation? {
    metadata["table"].flatMap { try? JSONValue(json5: $0, at: "model") }
      .flatMap { TablePreparation($0) }
  }

  /// Whether a file is a table by its name.
  static func isTable(_ path: String) -> Bool {
    [".csv", ".tsv", ".tab"].contains { path.lowercased().hasSuffix($0) }
  }

  /// The rows of a table, whose columns are found by the names that they had in learning.
  func tableItems(_ path: String) throws(Failure) -> Dataset {
    guard let preparation = tablePreparation else {
      throw Failure(
        .badData, at: path, "this is a table, and the model was not learned from one",
        expected: "an .npy file of items", remedy: "save the columns as a matrix")
    }
    let table = try CSVTable.read(path)
    let rows = Rows(
      name: path, columns: preparation.names,
      values: try preparation.values(of: table, rows: Array(0..<table.rowCount)),
      count: table.rowCount)
    return rows.dataset
  }
}
