import Settings

/// One cell of a table, without its quotes and the blanks around it.
struct CSVCell {
  var bytes: ArraySlice<UInt8>

  var text: String? { String(validating: bytes, as: UTF8.self) }

  /// What messages show of a cell.
  var excerpt: String {
    let text = String(decoding: bytes.prefix(32), as: UTF8.self)
    return bytes.count > 32 ? text + "…" : text
  }

  /// The number in the cell, rounded from the nearest `Double`; nil for anything else.
  var number: Float? {
    // Up to 15 digits and a power of ten up to 22 are exact as Double: one rounding is left.
    var (mantissa, digits, decimals) = (0, 0, 0)
    var (hasPoint, isNegative) = (false, false)
    var rest = bytes
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      isNegative = sign == UInt8(ascii: "-")
      rest = rest.dropFirst()
    }
    for byte in rest {
      switch byte {
      case 0x30...0x39 where digits < 15:
        mantissa = mantissa * 10 + Int(byte - 0x30)
        digits += 1
        if hasPoint { decimals += 1 }
      case UInt8(ascii: ".") where !hasPoint: hasPoint = true
      default: return unusualNumber
      }
    }
    guard digits > 0 else { return nil }
    let value = Double(mantissa) / CSVCell.powersOfTen[decimals]
    return Float(isNegative ? -value : value)
  }

  /// Numbers with an exponent or many digits, and the words for what is not finite.
  private var unusualNumber: Float? {
    let words = ["nan", "inf", "infinity"]
    guard bytes.count <= 1000, let text else { return nil }
    let isDecimal = bytes.allSatisfy {
      (0x30...0x39).contains($0) || "+-.eE".utf8.contains($0)
    }
    let unsigned = text.lowercased().drop { $0 == "-" || $0 == "+" }
    guard isDecimal || words.contains(String(unsigned)) else { return nil }
    return Double(text).map { Float($0) }
  }

  private static let powersOfTen: [Double] = (0...15).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }
}

/// The rows of a table that is separated by commas.
struct CSVRows {
  private let bytes: [UInt8]
  private let place: String
  private var offset = 0
  private var nextLine = 1
  /// The line that the last row began in, from 1.
  private var line = 1

  init(_ bytes: [UInt8], at place: String) {
    (self.bytes, self.place) = (bytes, place)
    // Spreadsheets mark UTF-8 with three bytes that are no part of the first cell.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
  }

  func failure(_ found: String, expected: String = "", remedy: String = "") -> Failure {
    Failure(.badData, at: "\(place): line \(line)", found, expected: expected, remedy: remedy)
  }

  /// The next row that is not empty; nil at the end.
  mutating func next() throws(Failure) -> [CSVCell]? {
    while offset < bytes.count, isLineEnd(bytes[offset]) { endLine() }
    guard offset < bytes.count else { return nil }
    line = nextLine
    var cells: [CSVCell] = []
    while true {
      cells.append(try cell())
      guard offset < bytes.count, bytes[offset] == comma else { break }
      offset += 1
    }
    if offset < bytes.count { endLine() }
    return cells
  }

  private let comma = UInt8(ascii: ",")
  private let quote = UInt8(ascii: "\"")

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private mutating func endLine() {
    let isPair = bytes[offset] == 0x0D && offset + 1 < bytes.count && bytes[offset + 1] == 0x0A
    offset += isPair ? 2 : 1
    nextLine += 1
  }

  private mutating func cell() throws(Failure) -> CSVCell {
    while offset < bytes.count, isBlank(bytes[offset]) { offset += 1 }
    if offset < bytes.count, bytes[offset] == quote { return try quotedCell() }
    let start = offset
    while offset < bytes.count, bytes[offset] != comma, !isLineEnd(bytes[offset]) { offset += 1 }
    var end = offset
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return CSVCell(bytes: bytes[start..<end])
  }

  /// A cell in quotes, in which two quotes stand for one and lines may end.
  private mutating func quotedCell() throws(Failure) -> CSVCell {
    offset += 1
    var content: [UInt8] = []
    while true {
      guard offset < bytes.count else { throw failure("a quote is not closed") }
      let byte = bytes[offset]
      if byte == quote {
        offset += 1
        guard offset < bytes.count, bytes[offset] == quote else { break }
      } else if byte == 0x0A {
        nextLine += 1
      }
      content.append(byte)
      offset += 1
    }
    while offset < bytes.count, isBlank(bytes[offset]) { offset += 1 }
    guard offset == bytes.count || bytes[offset] == comma || isLineEnd(bytes[offset]) else {
      throw failure("text after the closing quote", expected: "a comma or the end of the line")
    }
    return CSVCell(bytes: content[...])
  }
}
