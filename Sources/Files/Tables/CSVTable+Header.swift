import Settings

// Whether the first line of a table names its columns.

extension CSVTable {
  /// - Throws: where it may be either, since a wrong guess would lose a row or make one up.
  func isHeader(firstLine header: Header, label: String?) throws(Failure) -> Bool {
    switch header {
    case .yes: return true
    case .no: return false
    case .automatic: break
    }
    let first = columns.map { record(0, $0) }
    // A label column that is given by a name needs a header.
    if let label, !label.isEmpty, Int(label) == nil { return true }
    let labelColumn: Int? =
      if let label { label.isEmpty ? columnCount - 1 : Int(label) } else { nil }
    let features = columns.filter { $0 != labelColumn }
    if features.contains(where: { !first[$0].isEmpty && first[$0].number == nil }) { return true }
    guard recordCount > 1, !features.isEmpty else { return false }
    if let labelColumn, columns.contains(labelColumn) {
      let label = first[labelColumn]
      let others = (1..<recordCount).map { record($0, labelColumn) }
      // A label is never empty, and a word among numbers is their name.
      if label.isEmpty, others.allSatisfy({ !$0.isEmpty }) { return true }
      if label.number == nil, others.allSatisfy({ $0.number != nil }) { return true }
    }
    // Numbers may name columns too: 0, 1, 2 … as data frames do, years, or wavelengths.
    let all = numbers(of: 0, columns)
    let names = isProgression(all) ? all : numbers(of: 0, features)
    guard isProgression(names), !isProgression(numbers(of: 1, features)) else { return false }
    let isLikely = names[0] == 0 || names.count >= 8
    let isWhole = columns.allSatisfy { first[$0].isEmpty || first[$0].wholeNumber != nil }
    let haveDecimals = features.filter { !first[$0].isEmpty }.allSatisfy { column in
      (1..<min(recordCount, 100)).allSatisfy { record($0, column).isDecimal }
    }
    if isLikely, isWhole, haveDecimals { return true }
    guard isLikely || (isWhole && haveDecimals) else { return false }
    throw Failure(
      .badData, at: "\(place): line 1",
      "the numbers \(names.prefix(4).map { "\(JSONValue.number($0))" }.joined(separator: ", ")) … "
        + "may name the columns or be a row",
      expected: "words as names, or header: \"yes\" or \"no\" in the data of a recipe",
      remedy: "give the columns names, or take the line away")
  }

  /// The numbers of a record in some columns, without empty cells; none if a cell is a word.
  private func numbers(of record: Int, _ columns: some Sequence<Int>) -> [Double] {
    let cells = columns.map { self.record(record, $0) }.filter { !$0.isEmpty }
    let numbers = cells.compactMap(\.number)
    return numbers.count == cells.count ? numbers : []
  }

  /// Whether numbers go up by equal steps, as names do and measurements hardly ever.
  private func isProgression(_ numbers: [Double]) -> Bool {
    guard numbers.count >= 3 else { return false }
    let step = numbers[1] - numbers[0]
    return step > 0
      && zip(numbers, numbers.dropFirst()).allSatisfy {
        abs($1 - $0 - step) <= 1e-9 * max(abs($0), abs($1))
      }
  }
}

extension CSVCell {
  /// Whether a number is written with a point or an exponent.
  fileprivate var isDecimal: Bool {
    number != nil
      && bytes.contains { ".eE".utf8.contains($0) || (hasDecimalComma && $0 == UInt8(ascii: ",")) }
  }
}
