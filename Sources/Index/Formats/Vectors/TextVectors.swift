import Autodiff
import Files
import Settings

/// Vectors as text, each number in the shortest form that reads back as the same number.
enum TextVectors {
  static func lines(
    _ vectors: Tensor, separator: String, _ line: (_ row: Int, _ numbers: String) -> String
  ) -> [UInt8] {
    let d = vectors.shape[1]
    var bytes: [UInt8] = []
    vectors.withElements(of: Float.self) { x in
      for row in 0..<vectors.shape[0] {
        let numbers = x[row * d..<(row + 1) * d].map { "\($0)" }.joined(separator: separator)
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
    guard !options.labels.isEmpty else {
      return Array(names.map { $0 + "\n" }.joined().utf8)
    }
    let rows = zip(names, options.labels).map { "\($0)\t\($1)\n" }
    return Array(("name\tclass\n" + rows.joined()).utf8)
  }

  /// Numbers parted by commas or tabs, a vector a line; a first line without numbers is a header.
  static func read(_ text: String, separator: Character, at place: String) throws(Failure) -> Tensor
  {
    var (values, width, rows): ([Float], Int, Int) = ([], 0, 0)
    for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      let cells = line.split(separator: separator, omittingEmptySubsequences: false)
      let row = cells.compactMap { Float($0.filter { $0 != " " }) }
      if number == 0, row.isEmpty { continue }
      if rows == 0 { width = cells.count }
      guard row.count == cells.count, row.count == width else {
        throw Failure(
          .badData, at: "\(place):\(number + 1)",
          "\(row.count) of \(cells.count) cells are numbers",
          expected: "\(width) numbers, as in the first row")
      }
      values += row
      rows += 1
    }
    return Tensor(values, shape: [rows, width])
  }

  /// Lines of objects with a list of numbers named `vector` or `embedding`, or of such lists.
  static func readJSONLines(_ text: String, at place: String) throws(Failure) -> Tensor {
    var (values, width, rows): ([Float], Int, Int) = ([], 0, 0)
    for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      let at = "\(place):\(number + 1)"
      let value = try JSONValue(json5: String(line), at: at)
      guard case .array(let items) = value["vector"] ?? value["embedding"] ?? value else {
        throw Failure(
          .badData, at: at, "there is no list of numbers", expected: "one named 'vector'")
      }
      if rows == 0 { width = items.count }
      for case .number(let item) in items { values.append(Float(item)) }
      rows += 1
      guard items.count == width, values.count == rows * width else {
        throw Failure(
          .badData, at: at, "there are not as many numbers as before", expected: "\(width)")
      }
    }
    return Tensor(values, shape: [rows, width])
  }
}
