import Autodiff
import Files
import Settings

/// Vectors as text, each number in the shortest form that its reader finds the same number in.
enum TextVectors {
  /// - Parameter isForSingle: whether who reads them keeps float32, which takes fewer digits.
  static func lines(
    _ vectors: Tensor, separator: String, isForSingle: Bool = false,
    _ line: (_ row: Int, _ numbers: String) -> String
  ) -> [UInt8] {
    let d = vectors.shape[1]
    var bytes: [UInt8] = []
    vectors.withElements(of: Float.self) { x in
      for row in 0..<vectors.shape[0] {
        let numbers = x[row * d..<(row + 1) * d].map { isForSingle ? "\($0)" : "\(Double($0))" }
          .joined(separator: separator)
        bytes.append(contentsOf: (line(row, numbers) + "\n").utf8)
      }
    }
    return bytes
  }

  /// One cell of the projector's table, whose cells are parted by tabs and lines.
  static func cell(_ text: String) -> String {
    String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
  }

  /// Names and classes; a header if and only if there are both, as the projector wants it.
  static func projectorTable(_ options: ExportOptions, count: Int) -> [UInt8] {
    let names = (0..<count).map { options.names.isEmpty ? "\($0)" : cell(options.names[$0]) }
    guard let classes = options.givenClasses else {
      return Array(names.map { $0 + "\n" }.joined().utf8)
    }
    let rows = names.indices.map { "\(names[$0])\t\(cell(classes.name(of: $0)))\n" }
    return Array(("name\tclass\n" + rows.joined()).utf8)
  }

  /// A table of numbers, a vector a row, without the columns that only number the rows.
  ///
  /// In float64, since a text has all its digits: those of a time in seconds do not fit float32.
  static func read(_ bytes: [UInt8], at place: String) throws(Failure) -> Tensor {
    let table = try CSVTable(bytes, at: place)
    let columns = table.columns.filter { !table.isIdentifier($0) }
    guard !columns.isEmpty else {
      throw Failure(.badData, at: place, "the only column numbers the rows", expected: "vectors")
    }
    try MemoryBudget.check(
      [table.rowCount, columns.count], bytesEach: 8, for: "the vectors", at: place)
    var values: [Double] = []
    values.reserveCapacity(table.rowCount * columns.count)
    for row in 0..<table.rowCount {
      for column in columns { values.append(try table.number(row: row, column: column)) }
    }
    return Tensor(values, shape: [table.rowCount, columns.count])
  }

  /// Lines of objects with a list of numbers named `vector` or `embedding`, or of such lists.
  static func readJSONLines(_ text: String, at place: String) throws(Failure) -> Tensor {
    var (values, width, rows): ([Double], Int, Int) = ([], 0, 0)
    for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      let at = "\(place):\(number + 1)"
      let value = try JSONValue(json5: String(line), at: at)
      guard case .array(let items) = value["vector"] ?? value["embedding"] ?? value else {
        throw Failure(
          .badData, at: at, "there is no list of numbers", expected: "one named 'vector'")
      }
      if rows == 0 { width = items.count }
      for item in items { if let number = item.numberValue { values.append(number) } }
      rows += 1
      guard items.count == width, values.count == rows * width else {
        throw Failure(
          .badData, at: at, "there are not as many numbers as before", expected: "\(width)")
      }
    }
    return Tensor(values, shape: [rows, width])
  }
}
