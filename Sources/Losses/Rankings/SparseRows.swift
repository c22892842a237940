/// The places of the ones in a matrix of zeros and ones, row by row and in order.
struct SparseRows {
  let starts: [Int]
  let columns: [Int32]
  /// Where each place is in the matrix that this is the transpose of.
  private(set) var origins: [Int] = []

  init(_ rows: [[Int32]]) {
    var starts = [0]
    for row in rows { starts.append(starts[starts.count - 1] + row.count) }
    self.starts = starts
    columns = rows.flatMap(\.self)
  }

  private init(starts: [Int], columns: [Int32], origins: [Int]) {
    (self.starts, self.columns, self.origins) = (starts, columns, origins)
  }

  func places(of row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

  func columns(of row: Int) -> ArraySlice<Int32> { columns[places(of: row)] }

  func count(of row: Int) -> Int { starts[row + 1] - starts[row] }

  func contains(row: Int, column: Int32) -> Bool {
    var places = places(of: row)
    while let last = places.last {
      let middle = places.lowerBound + places.count / 2
      if columns[middle] == column { return true }
      places = columns[middle] < column ? middle + 1..<last + 1 : places.lowerBound..<middle
    }
    return false
  }

  /// The transpose of a square matrix.
  var transposed: SparseRows {
    let count = starts.count - 1
    var next = [Int](repeating: 0, count: count + 1)
    for column in columns { next[Int(column) + 1] += 1 }
    for i in 0..<count { next[i + 1] += next[i] }
    let starts = next
    var rows = [Int32](repeating: 0, count: columns.count)
    var origins = [Int](repeating: 0, count: columns.count)
    for row in 0..<count {
      for place in places(of: row) {
        let column = Int(columns[place])
        (rows[next[column]], origins[next[column]]) = (Int32(row), place)
        next[column] += 1
      }
    }
    return SparseRows(starts: starts, columns: rows, origins: origins)
  }
}
