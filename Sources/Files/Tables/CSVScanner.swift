import Settings

/// What parts the cells of a line.
public enum CSVSeparator: Sendable, Equatable, CaseIterable {
  case comma, semicolon, tab, bar
  /// Any run of blanks, as `numpy.savetxt` parts numbers.
  case blanks

  var byte: UInt8 {
    switch self {
    case .comma: UInt8(ascii: ",")
    case .semicolon: UInt8(ascii: ";")
    case .tab: 0x09
    case .bar: UInt8(ascii: "|")
    case .blanks: 0x20
    }
  }

  /// As messages name it, for several cells.
  public var name: String {
    switch self {
    case .comma: "commas"
    case .semicolon: "semicolons"
    case .tab: "tabs"
    case .bar: "bars"
    case .blanks: "blanks"
    }
  }
}

/// Goes over the lines of a table and finds where its cells lie.
struct CSVScanner {
  private let bytes: [UInt8]
  private let place: String
  private let separator: CSVSeparator
  private(set) var offset: Int
  private var nextLine = 1
  /// The line that the last record began in, from 1.
  private(set) var line = 1

  init(_ bytes: [UInt8], _ separator: CSVSeparator, from offset: Int = 0, at place: String) {
    (self.bytes, self.separator, self.offset, self.place) = (bytes, separator, offset, place)
    if offset > 0 { (nextLine, line) = (2, 2) }
  }

  /// Appends the cells of the next record that is not empty; false at the end.
  mutating func next(into cells: inout [Range<UInt32>]) throws(Failure) -> Bool {
    while true {
      let start = offset
      skipBlanks()
      guard offset < bytes.count else { return false }
      guard isLineEnd(bytes[offset]) else {
        // The first cell of a line may be empty: what parts cells may be a blank itself.
        if separator != .blanks { offset = start }
        break
      }
      endLine()
    }
    line = nextLine
    let first = cells.count
    while true {
      cells.append(try cell())
      guard cells.count - first <= CSVTable.mostColumns else {
        throw Failure(
          .badData, at: "\(place): line \(line)", "more than \(CSVTable.mostColumns) cells",
          expected: "fewer", remedy: "this is no table, or its lines do not end")
      }
      if separator == .blanks { skipBlanks() }
      guard offset < bytes.count, !isLineEnd(bytes[offset]) else { break }
      if separator != .blanks { offset += 1 }
    }
    if offset < bytes.count { endLine() }
    return true
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
  private func isBlank(_ byte: UInt8) -> Bool {
    byte == 0x20 || (byte == 0x09 && separator != .tab)
  }
  private func isSeparator(_ byte: UInt8) -> Bool {
    separator == .blanks ? isBlank(byte) : byte == separator.byte
  }

  private mutating func skipBlanks() {
    while offset < bytes.count, isBlank(bytes[offset]) { offset += 1 }
  }

  private mutating func endLine() {
    let isPair = bytes[offset] == 0x0D && offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
    offset += isPair ? 2 : 1
    nextLine += 1
  }

  private mutating func cell() throws(Failure) -> Range<UInt32> {
    skipBlanks()
    if offset < bytes.count, bytes[offset] == quote { return try quotedCell() }
    let start = offset
    while offset < bytes.count, !isSeparator(bytes[offset]), !isLineEnd(bytes[offset]) {
      offset += 1
    }
    var end = offset
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return UInt32(start)..<UInt32(end)
  }

  private let quote = UInt8(ascii: "\"")

  /// A cell in quotes, in which two quotes stand for one and lines may end.
  private mutating func quotedCell() throws(Failure) -> Range<UInt32> {
    offset += 1
    let start = offset
    while true {
      guard offset < bytes.count else { throw failure("a quote is not closed") }
      let byte = bytes[offset]
      if byte == quote {
        guard offset + 1 < bytes.count, bytes[offset + 1] == quote else { break }
        offset += 1
      } else if byte == 0x0A {
        nextLine += 1
      }
      offset += 1
    }
    let end = offset
    offset += 1
    skipBlanks()
    guard
      offset == bytes.count || separator == .blanks || isSeparator(bytes[offset])
        || isLineEnd(bytes[offset])
    else {
      throw failure(
        "text after the closing quote", expected: "what parts cells or the end of the line")
    }
    return UInt32(start)..<UInt32(end)
  }

  private func failure(_ found: String, expected: String = "") -> Failure {
    Failure(.badData, at: "\(place): line \(line)", found, expected: expected)
  }
}
