import Settings

/// How the cells of a table are parted, and where its records begin.
struct CSVDialect {
  let separator: CSVSeparator
  /// Where the first line is, after a line such as `sep=;`.
  let start: Int

  /// Tells what parts the cells from the first lines.
  ///
  /// It is what cuts most of them into as many cells as the first line, more than one; of several,
  /// what makes most numbers of them. Blanks part cells only where nothing else does.
  init(_ bytes: [UInt8], among separators: [CSVSeparator]) {
    if let stated = CSVDialect.stated(bytes) {
      self = stated
      return
    }
    var best = (score: (0, 0), separator: separators.first ?? .comma)
    for separator in separators where separator != .blanks || best.score.0 == 0 {
      let score = CSVDialect.score(bytes, separator)
      guard separator != .blanks || score.1 > 0 else { continue }
      if score > best.score { best = (score, separator) }
    }
    (separator, start) = (best.separator, 0)
  }

  private init(separator: CSVSeparator, start: Int) {
    (self.separator, self.start) = (separator, start)
  }

  /// Spreadsheets write `sep=;` into a first line of its own.
  private static func stated(_ bytes: [UInt8]) -> CSVDialect? {
    guard bytes.count > 5, bytes.starts(with: Array("sep=".utf8)),
      let separator = CSVSeparator.allCases.first(where: { $0.byte == bytes[4] })
    else { return nil }
    let end = bytes[5...].prefix { $0 == 0x0A || $0 == 0x0D }
    return end.isEmpty ? nil : CSVDialect(separator: separator, start: 5 + min(2, end.count))
  }

  /// How many of the first records have as many cells as the first, and how many of these are
  /// numbers; zeros if that is one cell.
  private static func score(_ bytes: [UInt8], _ separator: CSVSeparator) -> (Int, Int) {
    var scanner = CSVScanner(bytes, separator, at: "")
    var (count, records, numbers) = (0, 0, 0)
    for record in 0..<20 {
      var cells: [Range<UInt32>] = []
      guard (try? scanner.next(into: &cells)) == true else { break }
      if record == 0 { count = cells.count }
      guard cells.count == count else { continue }
      records += 1
      numbers += cells.prefix(1000).count { range in
        let cell = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
        return CSVCell(bytes: cell).number != nil
          || (separator != .comma && CSVCell(bytes: cell, hasDecimalComma: true).number != nil)
      }
    }
    return count > 1 ? (records, numbers) : (0, 0)
  }
}
