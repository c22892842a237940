import Files
import Settings

/// Texts of a file: a text a line (.txt), the field "text" of each line (.jsonl), or a column of a
/// table with a header (.csv with quotes as RFC 4180 has them, .tsv without quotes).
package enum TextFile {
  /// - Parameter column: the field or the column; nil for "text".
  package static func read(_ path: String, column: String? = nil) throws(Failure) -> [String] {
    let field = column ?? "text"
    if path.hasSuffix(".csv") || path.hasSuffix(".tsv") { return try readTable(path, field) }
    guard path.hasSuffix(".txt") || path.hasSuffix(".jsonl") else {
      throw Failure(
        .badUsage, at: path, "this is no file of texts",
        expected: "a file that ends in .txt, .jsonl, .csv or .tsv")
    }
    var lines = try FileSystem.read(path).split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    let isJSON = path.hasSuffix(".jsonl")
    var texts: [String] = []
    texts.reserveCapacity(lines.count)
    for (i, line) in lines.enumerated() {
      let line = line.last == 0x0D ? line.dropLast() : line
      let place = "\(path): line \(i + 1)"
      guard isJSON else {
        guard let text = String(validating: line, as: UTF8.self) else {
          throw Failure(.badData, at: place, "this is not UTF-8 text")
        }
        texts.append(text)
        continue
      }
      // Blank lines are no items.
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      guard let text = try JSONNode(Array(line), at: place)[field]?.string else {
        throw Failure(
          .badData, at: place, "there is no text '\(field)'",
          expected: "an object such as {\"\(field)\": \"…\"}")
      }
      texts.append(text)
    }
    return texts
  }

  /// The columns that the header of a table names.
  package static func columns(_ path: String) throws(Failure) -> [String] {
    var table = SeparatedRows(
      bytes: try FileSystem.read(path), separator: path.hasSuffix(".tsv") ? 0x09 : 0x2C,
      isQuoted: path.hasSuffix(".csv"), place: path)
    guard let header = try table.next() else {
      throw Failure(.badData, at: path, "the table is empty", expected: "a header and rows")
    }
    return header
  }

  private static func readTable(_ path: String, _ column: String) throws(Failure) -> [String] {
    let bytes = try FileSystem.read(path)
    var table = SeparatedRows(
      bytes: bytes, separator: path.hasSuffix(".tsv") ? 0x09 : 0x2C,
      isQuoted: path.hasSuffix(".csv"), place: path)
    guard let header = try table.next() else {
      throw Failure(.badData, at: path, "the table is empty", expected: "a header and rows")
    }
    guard let index = header.firstIndex(of: column) else {
      throw Failure(
        .badData, at: path, "there is no column '\(column)'",
        remedy: suggestion(for: column, among: header))
    }
    var texts: [String] = []
    while let row = try table.next() {
      guard row.count == header.count else {
        throw Failure(
          .badData, at: "\(path): line \(table.line)", "\(row.count) cells",
          expected: "\(header.count), as in the header")
      }
      texts.append(row[index])
    }
    return texts
  }
}

/// The rows of a table of texts; empty lines are passed over.
private struct SeparatedRows {
  let bytes: [UInt8]
  let separator: UInt8
  let isQuoted: Bool
  let place: String
  private var position = 0
  /// The line that the last row began on.
  private(set) var line = 0
  private var reached = 1

  init(bytes: [UInt8], separator: UInt8, isQuoted: Bool, place: String) {
    (self.bytes, self.separator, self.isQuoted, self.place) = (bytes, separator, isQuoted, place)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private func failure(_ found: String) -> Failure {
    Failure(.badData, at: "\(place): line \(line)", found, expected: "cells as RFC 4180 has them")
  }

  private mutating func skipLineEnd() -> Bool {
    if position < bytes.count, bytes[position] == 0x0D,
      position + 1 == bytes.count
        || bytes[position + 1] == 0x0A
    {
      position += 1
    }
    guard position == bytes.count || bytes[position] == 0x0A else { return false }
    position += 1
    reached += 1
    return true
  }

  mutating func next() throws(Failure) -> [String]? {
    while position < bytes.count, skipLineEnd() {}
    guard position < bytes.count else { return nil }
    line = reached
    var cells: [String] = []
    while true {
      let cell = try cell()
      guard let text = String(validating: cell, as: UTF8.self) else {
        throw failure("a cell is not UTF-8 text")
      }
      cells.append(text)
      if position < bytes.count, bytes[position] == separator {
        position += 1
        continue
      }
      guard skipLineEnd() else { throw failure("something follows a closing quote") }
      return cells
    }
  }

  private mutating func cell() throws(Failure) -> [UInt8] {
    var cell: [UInt8] = []
    guard isQuoted, position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
      while position < bytes.count, bytes[position] != separator, bytes[position] != 0x0A {
        cell.append(bytes[position])
        position += 1
      }
      if cell.last == 0x0D, position == bytes.count || bytes[position] == 0x0A {
        cell.removeLast()
      }
      return cell
    }
    position += 1
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == UInt8(ascii: "\"") {
        guard position < bytes.count, bytes[position] == byte else { return cell }
        position += 1
      } else if byte == 0x0A {
        reached += 1
      }
      cell.append(byte)
    }
    throw failure("a quote does not end")
  }
}
