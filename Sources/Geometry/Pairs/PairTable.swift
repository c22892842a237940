import Autodiff

/// What every pair of an anchor and another row is to a loss or a miner.
///
/// The kind of a pair is a number: above 0 for a positive pair, below 0 for a negative pair, 0 for
/// a pair to ignore; its size is how often the pair occurs. A table made from labels keeps labels
/// only and compares them row by row, so it costs no memory.
public struct PairTable: Sendable {
  public private(set) var rows: Int
  public private(set) var columns: Int
  /// How many rows make pairs, and how many columns that belong to no pair come first.
  private var sourceRows: Int
  private var firstColumn = 0
  /// A column of each row that is positive whatever else is said of it.
  private var positiveColumns: [Int?] = []
  private let source: Source

  private enum Source {
    case labels(rows: [Int32], columns: [Int32], places: [Int?])
    case kinds([Int32], width: Int)
    /// Columns and kinds, those of a row from one start to the next.
    case list(starts: [Int], pairs: [SIMD2<Int32>], width: Int)
  }

  /// Every pair: positive where labels are equal, without pairs of a row with itself.
  public init(labels: [Int], reference: ReferenceSet?) {
    (rows, columns) = (labels.count, reference?.labels.count ?? labels.count)
    sourceRows = rows
    let places = reference?.places ?? labels.indices.map { $0 }
    let (own, others) = PairTable.shortened(labels, reference?.labels)
    source = .labels(rows: own, columns: others, places: places)
  }

  /// Every pair of a row and a column, positive where their labels are equal.
  public init(rowLabels: [Int], columnLabels: [Int]) {
    (rows, columns) = (rowLabels.count, columnLabels.count)
    sourceRows = rows
    let (rows, columns) = PairTable.shortened(rowLabels, columnLabels)
    source = .labels(rows: rows, columns: columns, places: [])
  }

  /// The kinds of pairs, row by row.
  public init(kinds: [Int32], rows: Int, columns: Int) {
    (self.rows, self.columns, sourceRows) = (rows, columns, rows)
    source = .kinds(kinds, width: columns)
  }

  /// Labels in 32 bits, which compare faster, equal where the given ones are; nil repeats the rows.
  private static func shortened(
    _ rows: [Int], _ columns: [Int]?
  ) -> (rows: [Int32], columns: [Int32]) {
    let fits = { (labels: [Int]) in labels.allSatisfy { $0 == Int(Int32(truncatingIfNeeded: $0)) } }
    if fits(rows), columns.map(fits) ?? true {
      let short = rows.map { Int32(truncatingIfNeeded: $0) }
      return (short, columns.map { $0.map { Int32(truncatingIfNeeded: $0) } } ?? short)
    }
    var numbers: [Int: Int32] = [:]
    let number = { (label: Int) -> Int32 in
      let next = Int32(numbers.count)
      return numbers[label]
        ?? {
          numbers[label] = next
          return next
        }()
    }
    let short = rows.map(number)
    return (short, columns.map { $0.map(number) } ?? short)
  }

  /// The given tuples and no others; a pair that occurs again counts again.
  ///
  /// - Complexity: O(tuples + rows) memory.
  public init(_ tuples: Tuples, rows: Int, columns: Int) {
    (self.rows, self.columns, sourceRows) = (rows, columns, rows)
    var starts = [Int](repeating: 0, count: rows + 2)
    tuples.forEachPair { pair, _ in starts[pair.anchor + 2] += 1 }
    for row in 0..<rows { starts[row + 2] += starts[row + 1] }
    // Each start moves to the start of the next row while the pairs of its row are put in.
    var pairs = [SIMD2<Int32>](repeating: .zero, count: starts[rows + 1])
    tuples.forEachPair { pair, kind in
      pairs[starts[pair.anchor + 1]] = SIMD2(Int32(pair.other), kind)
      starts[pair.anchor + 1] += 1
    }
    source = .list(starts: starts, pairs: pairs, width: columns)
  }

  /// A number for each row and each column, equal for positive pairs and no others, if every pair is
  /// one but those of a row with itself; else nil.
  public var numbers: (rows: [Int32], columns: [Int32])? {
    guard case .labels(let rows, let columns, _) = source, rows.count == self.rows,
      columns.count == self.columns, positiveColumns.isEmpty
    else { return nil }
    return (rows, columns)
  }

  /// Writes the kind of each pair of an anchor.
  public func fill(_ kinds: UnsafeMutableBufferPointer<Int32>, row: Int) {
    guard row < sourceRows else { return kinds.update(repeating: 0) }
    for j in 0..<firstColumn { kinds[j] = 0 }
    let kinds = UnsafeMutableBufferPointer(rebasing: kinds[firstColumn...])
    let width: Int
    switch source {
    case .labels(let labels, let others, let places):
      let label = labels[row]
      width = others.count
      others.withUnsafeBufferPointer { others in
        guard let kinds = kinds.baseAddress, let others = others.baseAddress else { return }
        RowKernels<Float>().fillKinds(kinds, labels: others, label: label, width)
      }
      if row < places.count, let place = places[row] { kinds[place] = 0 }
    case .kinds(let all, let count):
      width = count
      all.withUnsafeBufferPointer { all in
        for j in 0..<count { kinds[j] = all[row * count + j] }
      }
    case .list(let starts, let pairs, let count):
      width = count
      for j in 0..<count { kinds[j] = 0 }
      for k in starts[row]..<starts[row + 1] { kinds[Int(pairs[k].x)] += pairs[k].y }
    }
    for j in width..<columns - firstColumn { kinds[j] = 0 }
    if row < positiveColumns.count, let column = positiveColumns[row] { kinds[column] = 1 }
  }

  /// The same pairs, and more columns that belong to no pair.
  public func withIgnoredColumns(_ count: Int) -> PairTable {
    var result = self
    result.columns += count
    return result
  }

  /// The same pairs in a square table of the rows followed by the columns.
  public var ofRowsAndColumns: PairTable {
    var result = self
    result.firstColumn += rows
    result.rows = rows + columns
    result.columns = rows + columns
    return result
  }

  /// The same pairs, and a positive one of each row with the given column.
  public func withPositives(at columns: [Int?]) -> PairTable {
    var result = self
    result.positiveColumns = columns
    return result
  }

  /// Whether an anchor has a positive and a negative pair, and so a triplet.
  ///
  /// - Complexity: O(pairs) at worst, O(columns) for most batches.
  public var hasTriplets: Bool {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
      (0..<rows).contains { row in
        fill(kinds, row: row)
        return kinds.contains { $0 > 0 } && kinds.contains { $0 < 0 }
      }
    }
  }

  /// No pairs, in a table of the same shape.
  public var ignored: PairTable { PairTable(.triplets([]), rows: rows, columns: columns) }

  /// Whether there is a positive pair and a negative pair.
  ///
  /// - Complexity: O(pairs) at worst, O(columns) for most batches.
  public var hasBothKinds: Bool {
    withUnsafeTemporaryAllocation(of: Int32.self, capacity: columns) { kinds in
      var (hasPositive, hasNegative) = (false, false)
      for row in 0..<rows {
        fill(kinds, row: row)
        for kind in kinds {
          if kind > 0 { hasPositive = true }
          if kind < 0 { hasNegative = true }
        }
        if hasPositive, hasNegative { return true }
      }
      return false
    }
  }
}

extension Tuples {
  /// Calls `body` with every pair and 1 for a positive or -1 for a negative one.
  fileprivate func forEachPair(_ body: (Pair, Int32) -> Void) {
    switch self {
    case .pairs(let positive, let negative):
      for pair in positive { body(pair, 1) }
      for pair in negative { body(pair, -1) }
    case .triplets(let triplets):
      for triplet in triplets {
        body(Pair(triplet.anchor, triplet.positive), 1)
        body(Pair(triplet.anchor, triplet.negative), -1)
      }
    }
  }
}
