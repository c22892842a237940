import Autodiff

/// The matches of each row of a set, nearest first and equally distant ones by row, known before all
/// other distances.
///
/// The same bits as ``DistanceRows`` gives.
///
/// - Complexity: O(matching pairs × d) time, O(matching pairs) memory.
package struct MatchDistances<S: Scalar> {
  /// For each row, where its matches start; and where all end.
  package let starts: [Int]
  package let rows: [Int32]
  package let squares: [S]

  /// Whether there are few enough to be held twice, and to be ranked one by one.
  package static func areFew(_ distances: DistanceRows<S>) -> Bool {
    guard distances.isSelf else { return false }
    let squares = distances.query.members.reduce(0.0) { $0 + Double($1.count) * Double($1.count) }
    return squares <= 65 * Double(distances.query.count)
  }

  package init(_ distances: DistanceRows<S>) {
    let query = distances.query
    var starts = [0]
    for row in 0..<query.count { starts.append(starts[row] + distances.matchCount(of: row)) }
    var rows = [Int32](repeating: 0, count: starts[query.count])
    var squares = [S](repeating: 0, count: starts[query.count])
    rows.withUnsafeMutableBufferPointer { rows in
      squares.withUnsafeMutableBufferPointer { squares in
        Parallel.forEach(query.members.count) { number in
          guard query.members[number].count > 1 else { return }
          let group = RowsOfClass(query, query.members[number])
          var line = [S](repeating: 0, count: query.members[number].count)
          for (place, row) in query.members[number].enumerated() {
            group.writeDistances(of: place, into: &line)
            var end = starts[row]
            for (i, member) in query.members[number].enumerated()
            where distances.isCompared(row, member) {
              // Insertion: most classes are small, and members come by row.
              var free = end
              while free > starts[row], squares[free - 1] > line[i] {
                (squares[free], rows[free]) = (squares[free - 1], rows[free - 1])
                free -= 1
              }
              (squares[free], rows[free]) = (line[i], Int32(member))
              end += 1
            }
          }
        }
      }
    }
    (self.starts, self.rows, self.squares) = (starts, rows, squares)
  }

  /// The squared distances of all matching pairs, each once, ascending.
  package var sortedSquares: [S] {
    var found: [S] = []
    for row in 0..<starts.count - 1 {
      for match in starts[row]..<starts[row + 1] where rows[match] > row {
        found.append(squares[match])
      }
    }
    return found.sorted()
  }
}

/// The rows of one class, one after the other.
private struct RowsOfClass<S: Scalar> {
  let members: [Int]
  let dimension: Int
  let rows, norms: [S]

  init(_ all: LabeledRows<S>, _ members: [Int]) {
    (self.members, dimension) = (members, all.dimension)
    rows = members.flatMap { all.rows[$0 * all.dimension..<($0 + 1) * all.dimension] }
    norms = members.map { all.squaredNorms[$0] }
  }

  /// Writes the squared distances of one row to all.
  func writeDistances(of place: Int, into line: inout [S]) {
    let (count, d) = (members.count, dimension)
    rows.withUnsafeBufferPointer { rows in
      line.withUnsafeMutableBufferPointer { line in
        guard let x = line.baseAddress, let base = rows.baseAddress else { return }
        S.product(
          x, base + place * d, base, m: 1, n: count, k: d, transposingA: false, transposingB: true,
          adding: false)
        DistanceRows.squares(
          line, norm: norms[place], norms: norms, LineKernels<S>()
        ) { squaredDistance(base + place * d, base + $0 * d, d) }
      }
    }
  }
}
