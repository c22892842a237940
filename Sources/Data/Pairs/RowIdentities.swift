import Files
import Settings

/// What each row is: rows with equal ids are the same item.
public struct RowIdentities: Sendable {
  /// An id for each row; empty if each row is an item of its own.
  private let ids: [Int]
  /// The id of each text; empty if ids were numbers.
  private let numbers: [String: Int]

  /// - Parameter ids: an id for each row; none if each row is an item of its own.
  public init(_ ids: [Int] = []) { self.init(ids, numbers: [:]) }

  private init(_ ids: [Int], numbers: [String: Int]) { (self.ids, self.numbers) = (ids, numbers) }

  /// Reads an `.npy` file of integers, or a text file with a line for each row.
  ///
  /// - Parameters:
  ///   - known: where a text has its number from, so that queries and corpus agree.
  public init(_ path: String, rows: Int, known: RowIdentities? = nil) throws(Failure) {
    if path.lowercased().hasSuffix(".npy") {
      self.init(try NumPyArray.read(path).labels(at: path))
    } else {
      var numbers = known?.numbers ?? [:]
      var ids: [Int] = []
      for text in try NameList.read(path) {
        let id = numbers[text] ?? numbers.count
        numbers[text] = id
        ids.append(id)
      }
      self.init(ids, numbers: numbers)
    }
    guard ids.count == rows else {
      throw Failure(
        .badData, at: path, "there are \(ids.count) ids", expected: "\(rows), one for each row")
    }
  }

  /// The id of a row.
  package subscript(row: Int) -> Int { ids.isEmpty ? row : ids[row] }

  /// The rows of each text.
  func rowsByText() -> [String: [Int]] {
    var rows: [Int: [Int]] = [:]
    for (row, id) in ids.enumerated() { rows[id, default: []].append(row) }
    return numbers.compactMapValues { rows[$0] }
  }
}
